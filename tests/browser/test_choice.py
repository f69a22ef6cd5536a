"""The page shows versions, waiting messages and the tools, and lets the person choose."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, expect
from tests.browser.looks import picture
from tests.browser.person import Person

from mcpsecurity.testing import ScriptedModel, says


async def opened_tools(person: Person) -> Locator:
    """Open the list of tools."""
    await person.page.get_by_role("button", name="Chat menu").click()
    await person.page.get_by_role("button", name="Tools", exact=True).click()
    return person.page.get_by_role("dialog", name="Tools of this chat")


async def edit(message: Locator, words: str) -> None:
    """Say something else in the place of a message."""
    await message.hover()
    await message.get_by_role("button", name="Edit message").click()
    await message.get_by_role("textbox", name="What you said").fill(words)
    await message.get_by_role("button", name="Save and ask").click()


async def test_a_message_is_edited_and_all_versions_can_be_seen(alice: Person) -> None:
    await alice.ask("hello there")
    await alice.says("offline model")
    page = alice.page
    message = page.locator(".message.user").filter(has_text="hello there")
    bubbles = alice.conversation.locator(".bubble")
    await edit(message, "good morning")
    await expect(bubbles).to_have_text(["good morning"])
    await expect(page.get_by_text("2 of 2").first).to_be_visible()
    await alice.says("offline model")
    await edit(page.locator(".message.user"), "good evening")
    await expect(bubbles).to_have_text(["good evening"])
    await expect(page.get_by_text("3 of 3").first).to_be_visible()
    await alice.finished()
    after = page.get_by_role("button", name="Version after").first
    await expect(after).to_have_attribute("aria-disabled", "true")
    await expect(after).to_have_css("background-color", "rgba(0, 0, 0, 0)")
    await page.get_by_role("button", name="Version before").first.click()
    await expect(bubbles).to_have_text(["good morning"])
    await expect(page.get_by_text("2 of 3").first).to_be_visible()
    await picture(page, "choice-versions")
    await page.get_by_role("button", name="Version before").first.click()
    await expect(bubbles).to_have_text(["hello there"])
    await expect(page.get_by_text("1 of 3").first).to_be_visible()
    good = page.get_by_role("button", name="Good answer").last
    await good.click()
    await expect(good).to_have_attribute("aria-pressed", "true")
    await page.reload()
    await expect(good).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_text("1 of 3").first).to_be_visible()


async def test_a_message_tells_its_time_on_hover_and_is_copied_taken_out_and_brought_back(
    alice: Person,
) -> None:
    await alice.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await alice.ask("hello there")
    await alice.finished()
    await alice.ask("who are you?")
    await alice.finished()
    message = alice.page.locator(".message.user").last
    actions = message.locator(".own-actions")
    await expect(actions).to_have_css("opacity", "0")
    await message.hover()
    await expect(actions).to_have_css("opacity", "1")
    await expect(actions.locator("time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    await message.get_by_role("button", name="Copy message").click()
    await expect(alice.page.get_by_role("status").filter(has_text="Copied")).to_be_attached()
    assert await alice.page.evaluate("navigator.clipboard.readText()") == "who are you?"
    await message.get_by_role("button", name="Delete message").click()
    bubbles = alice.conversation.locator(".bubble")
    await expect(bubbles).to_have_text(["hello there"])
    await alice.page.get_by_role("button", name="Version before").click()
    await expect(bubbles).to_have_text(["hello there", "who are you?"])
    first = alice.page.locator(".message.user").first
    await first.hover()
    await first.get_by_role("button", name="Delete message").click()
    await expect(bubbles).to_have_count(0)
    await alice.page.reload()
    await alice.page.get_by_role("button", name="Version before").click()
    await expect(bubbles).to_have_text(["hello there", "who are you?"])


async def test_what_is_written_meanwhile_waits_and_can_be_taken_back(alice: Person) -> None:
    await alice.ask("Run a marathon")
    await expect(alice.call("run_marathon")).to_be_visible()
    page = alice.page
    await page.get_by_role("textbox", name="Message").fill("and what then?")
    await page.keyboard.press("Enter")
    waiting = page.get_by_role("list", name="Messages that wait")
    await expect(waiting).to_contain_text("and what then?")
    await page.reload()
    await expect(waiting).to_contain_text("and what then?")
    await waiting.get_by_role("button", name="Take back").click()
    await expect(waiting).to_be_hidden()
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("and what then?")


async def test_the_list_of_tools_says_what_they_do_and_turns_them_off(alice: Person) -> None:
    page = alice.page
    dialog = await opened_tools(alice)
    await dialog.get_by_text("Secure MCP server", exact=True).click()
    await dialog.get_by_text("City weather", exact=True).click()
    await expect(dialog.get_by_text(re.compile("Needs: city"))).to_be_visible()
    await picture(page, "choice-tools")
    await dialog.get_by_role("searchbox").fill("marathon")
    await expect(dialog.get_by_text("Marathon", exact=True)).to_be_visible()
    await dialog.get_by_text("Marathon", exact=True).click()
    await expect(dialog.get_by_text(re.compile("kilometres"))).to_be_visible()
    await dialog.get_by_role("switch", name="Use Marathon").uncheck()
    await dialog.get_by_role("button", name="Close").click()
    await alice.ask("Run a marathon")
    await expect(page.get_by_role("button", name="Regenerate")).to_be_visible()
    await expect(page.get_by_role("group", name="Tool call run_marathon")).to_have_count(0)


async def test_many_tools_are_said_to_be_looked_for_and_a_whole_server_is_turned_off(
    alice_with: Callable[..., Awaitable[Person]], script: ScriptedModel
) -> None:
    alice = await alice_with(max_tools=8)
    script.will(says("Hello."), says("Hello again."))
    await alice.ask("hello")
    await alice.says("Hello")
    assert "_tools-find" in str(script.asked[-1].tools)
    assert len(script.asked[-1].tools) <= 8
    dialog = await opened_tools(alice)
    await expect(dialog.get_by_text(re.compile(r"the model looks for \d+ of them"))).to_be_visible()
    server = dialog.locator("[data-turn-server='Tools'][data-turn-tool='']")
    await server.uncheck()
    await expect(server).not_to_be_checked()
    await dialog.get_by_role("button", name="Close").click()
    await alice.ask("hello")
    await alice.says("Hello again")
    assert "Tools-" not in str(script.asked[-1].tools)
