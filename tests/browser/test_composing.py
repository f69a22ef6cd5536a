"""Writing: keys, prompts by `/`, resources to attach, drafts, copying."""

import asyncio
import re

from playwright.async_api import Route, expect
from tests.browser.person import Person
from tests.browser.stack import Stack

from mcpsecurity.localcloud.openai import Turn
from mcpsecurity.localcloud.openai.offline import Reply, ToolCall
from mcpsecurity.testing import says


async def test_enter_sends_and_shift_enter_makes_a_new_line(alice: Person) -> None:
    await alice.message.press_sequentially("hello")
    await alice.page.keyboard.press("Shift+Enter")
    await alice.message.press_sequentially("you")
    await expect(alice.message).to_have_value("hello\nyou")
    await alice.page.keyboard.press("Enter")
    await alice.says("offline model")
    await expect(alice.message).to_have_value("")
    await expect(alice.conversation.locator(".bubble")).to_have_text("hello\nyou")


async def test_keys_that_choose_a_character_neither_send_nor_close_anything(alice: Person) -> None:
    """The keys of an input method: Safari's last one is known by its code, 229, alone."""
    press = "(e, [key, how]) => e.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, ...how}))"
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    await alice.message.fill("你好")
    for how in ({"keyCode": 229}, {"isComposing": True}):
        await alice.message.evaluate(press, ["Enter", how])
        await alice.request().get_by_label("Name").evaluate(press, ["Escape", how])
    await alice.message.press("Enter")
    await expect(alice.page.get_by_role("list", name="Messages that wait")).to_contain_text("你好")
    await expect(alice.request()).to_be_visible()


async def test_blank_text_is_not_sent(alice: Person) -> None:
    await expect(alice.send).to_have_attribute("aria-disabled", "true")
    await alice.message.fill("   ")
    await alice.message.press("Enter")
    await expect(alice.conversation.locator(".message")).to_have_count(0)


async def test_a_prompt_is_found_and_used_with_the_keyboard_alone(alice: Person) -> None:
    await alice.message.press_sequentially("/in_range")
    prompts = alice.page.get_by_role("listbox", name="Prompts")
    await expect(prompts.get_by_role("option")).to_have_count(1)
    search = alice.page.get_by_role("combobox", name="Find a prompt")
    await expect(search).to_be_focused()
    await expect(search).to_have_attribute("aria-activedescendant", re.compile("prompt"))
    await alice.page.keyboard.press("Enter")
    form = alice.page.get_by_role("form", name=re.compile("^Prompt "))
    await expect(form.get_by_label("min")).to_be_focused()
    await alice.page.keyboard.type("3")
    await alice.page.keyboard.press("Tab")
    await alice.page.keyboard.type("9")
    await alice.page.keyboard.press("Enter")
    await expect(alice.call("get_random_number").get_by_role("row", name="min 3")).to_be_visible()
    await expect(alice.message).to_be_focused()
    await expect(alice.message).to_have_value("")


async def test_enter_that_comes_before_the_palette_chooses_from_it_all_the_same(alice: Person) -> None:
    async def late(route: Route) -> None:
        await asyncio.sleep(0.5)
        await route.continue_()

    await alice.page.route(re.compile(r"palette|/catalog"), late)
    await alice.message.press_sequentially("/in_range")
    await alice.page.keyboard.press("Enter")
    await expect(alice.page.get_by_role("form", name=re.compile("^Prompt .*in_range"))).to_be_visible()
    await expect(alice.conversation.locator(".message")).to_have_count(0)


async def test_the_list_of_prompts_follows_the_arrow_keys_and_escape(alice: Person) -> None:
    await alice.message.press_sequentially("/")
    options = alice.page.get_by_role("listbox", name="Prompts").get_by_role("option")
    await expect(options).to_have_count(5)
    await expect(options.nth(0)).to_have_attribute("aria-selected", "true")
    await alice.page.keyboard.press("ArrowUp")
    await expect(options.nth(4)).to_have_attribute("aria-selected", "true")
    # Another window gets the focus: the box is told of a blur, and is still the page's active element.
    blur = "(e) => e.dispatchEvent(new FocusEvent('blur'))"
    await alice.page.locator(".palette-search").evaluate(blur)
    await expect(options).to_have_count(5)
    await alice.page.keyboard.press("Escape")
    await expect(options).to_have_count(0)
    await expect(alice.message).to_have_value("/")


async def test_a_prompt_without_arguments_is_sent_at_once(alice: Person) -> None:
    await alice.page.get_by_role("button", name="Prompts").click()
    await alice.page.get_by_role("option", name="/random_number_from_date").click()
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text("random_number_from_date")


async def test_a_resource_is_attached_and_let_go(alice: Person) -> None:
    await alice.page.get_by_role("button", name="Attach a resource").click()
    resource = alice.page.locator("#resources").get_by_role("button").first
    name = await resource.locator(".menu-name").inner_text()
    await resource.click()
    await alice.page.keyboard.press("Escape")
    attached = alice.page.get_by_role("list", name="Attached")
    await expect(attached).to_contain_text(name)
    await attached.get_by_role("button", name=f"Remove {name}").click()
    await expect(attached).to_be_hidden()
    await alice.page.get_by_role("button", name="Attach a resource").click()
    await resource.click()
    await alice.page.keyboard.press("Escape")
    await alice.ask("hello")
    await expect(alice.conversation.locator(".message.user .chip")).to_have_text(name)
    await expect(attached).to_be_hidden()


async def test_a_draft_survives_a_reload_and_is_gone_after_signing_out(alice: Person) -> None:
    await alice.message.fill("unfinished")
    await alice.page.reload()
    await alice.ready()
    await expect(alice.message).to_have_value("unfinished")
    await alice.sign_out()
    await alice.page.get_by_role("link", name="Sign in").wait_for()
    assert await alice.page.evaluate("sessionStorage.length") == 0


async def test_answers_are_copied(alice: Person) -> None:
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.ask("hello")
    await alice.says("offline model")
    await alice.page.get_by_role("button", name="Copy answer").click()
    await expect(alice.page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    assert "I am the offline model" in await alice.page.evaluate("navigator.clipboard.readText()")


async def test_what_was_said_before_a_call_is_copied_on_its_own(alice: Person, stack: Stack) -> None:
    call = ToolCall("Tools-get_current_date_time", "{}")
    first, last = Turn(Reply("I look at the *clock*.", calls=(call,))), says("It is late.")
    stack.model.script.turns.extend([first, last])
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.ask("How late is it?")
    await alice.approve("get_current_date_time")
    await alice.says("It is late")
    for nth, words in enumerate(["I look at the *clock*.", "It is late."]):
        copy = alice.conversation.get_by_role("button", name="Copy answer").nth(nth)
        await copy.hover()
        await copy.click()
        await alice.finds_copied(words)
    await expect(alice.conversation.get_by_role("button", name="Copy answer")).to_have_count(2)


async def test_examples_of_an_empty_conversation_are_sent(alice: Person) -> None:
    await alice.page.get_by_role("button", name="What is the weather in Zurich?").click()
    await expect(alice.call("get_city_weather")).to_contain_text("Needs your decision")
