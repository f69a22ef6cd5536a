"""What a person sees: accessible (WCAG 2.2 AA, by axe), without sideways scrolling, and nothing jumps."""

import re
from collections.abc import AsyncIterator
from typing import Final, Literal

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect
from tests.browser.accessibility import assert_accessible
from tests.browser.looks import Look, assert_no_sideways_scrolling, picture
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.support.eventually import eventually

DICE = "Please generate a random number between 1 and 6"
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
UNUSUAL = (
    Look(768, 1024, "dark"),
    Look(640, 400, "light", forced="active"),
    Look(320, 200, "light"),
)
"""Between a phone and a desk; 200 % with the system's colours; 400 %."""


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> Scheme:
    found: Scheme = request.param
    return found


async def looks(page: Page) -> AsyncIterator[str]:
    """Show the page in each look, one after the other; yield what pictures of it are called, "" for none."""
    for look in UNUSUAL:
        await look.put_on(page)
        yield ""
    for width in (1280, 360):
        for scheme in SCHEMES:
            await Look(width, 800, scheme).put_on(page)
            yield f"{width}-{scheme}"


async def check(person: Person, name: str, shown: Locator | None = None) -> None:
    """Look at the page in all looks, and keep pictures with the end of what is `shown` in view."""
    async for look in looks(person.page):
        if shown is not None:
            await shown.evaluate("(e) => e.scrollIntoView({block: 'end'})")
        try:
            await assert_accessible(person.page)
            await assert_no_sideways_scrolling(person.page)
        except AssertionError as error:
            error.add_note(f"{name}-{look}: {person.page.viewport_size}")
            raise
        if look:
            await picture(person.page, f"{name}-{look}")


async def test_signing_in_and_out(context: BrowserContext, stack: Stack, scheme: Scheme) -> None:
    page = await context.new_page()
    await page.emulate_media(color_scheme=scheme)
    await page.goto(stack.url)
    await assert_accessible(page)
    person = await Person(page, stack.url).sign_in()
    await person.sign_out()
    await expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    await assert_accessible(page)
    await page.goto(f"{stack.url}/nowhere")
    await assert_accessible(page)
    assert person.url == stack.url


async def test_an_empty_conversation(alice: Person) -> None:
    await check(alice, "empty")


async def test_a_pending_approval(alice: Person) -> None:
    await alice.ask(DICE)
    await expect(alice.call("get_random_number").get_by_role("button", name="Approve")).to_be_visible()
    await check(alice, "approval")
    await alice.call("get_random_number").get_by_role("button", name="Edit arguments").click()
    await check(alice, "editing")


async def test_an_open_form_and_its_errors(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    await expect(alice.request()).to_be_visible()
    # At its end the docked buttons cover no field: what they cover elsewhere, one can scroll into reach.
    await check(alice, "form", alice.request())
    await alice.answer("Send answer")
    await check(alice, "form-errors", alice.request())


async def test_a_forecast(alice: Person) -> None:
    await alice.ask("What is the weather in Zurich?")
    await alice.approve("get_city_weather")
    await alice.says("Zurich")
    await check(alice, "weather", alice.call("get_city_weather"))
    await alice.call("get_city_weather").locator("summary.card-line").click()
    await check(alice, "result")


async def test_an_address_to_visit(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Request a visa")
    await expect(alice.request()).to_be_visible()
    await check(alice, "visit")


async def test_prompts_and_menus(alice: Person) -> None:
    await alice.message.press_sequentially("/")
    await expect(alice.page.get_by_role("listbox", name="Prompts")).to_be_visible()
    await check(alice, "prompts")
    await alice.page.keyboard.press("Escape")
    await alice.page.get_by_role("button", name="MCP servers").click()
    await expect(alice.page.locator("#servers-menu")).to_be_visible()
    await check(alice, "servers")


async def test_on_a_phone_everything_is_in_reach(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 640})
    for name in ("New chat", "Account", "Chats", "Send"):
        button = alice.page.get_by_role("button", name=re.compile(f"^{name}"))
        await expect(button).to_be_in_viewport()
    await expect(alice.mode).to_be_in_viewport()
    await alice.ask("hello")  # a chat is in the list once something was said in it
    await alice.page.get_by_role("button", name="Chats").click()
    await expect(
        alice.page.get_by_role("navigation", name="Chats").get_by_role("link").first
    ).to_be_in_viewport()
    await alice.page.keyboard.press("Escape")
    await expect(alice.page.get_by_role("navigation", name="Chats")).to_be_hidden()


async def test_nothing_jumps_while_an_answer_streams(alice: Person, stack: Stack) -> None:
    stack.model.pace = 0.01
    await alice.page.evaluate(
        """() => {
          window.shifts = 0;
          const add = (list) => list.getEntries().forEach((entry) => { window.shifts += entry.value; });
          new PerformanceObserver(add).observe({type: "layout-shift"});
        }"""
    )
    await alice.ask("hello")
    await alice.says("offline model")
    assert await alice.page.evaluate("window.shifts") < 0.1


async def test_the_newest_text_stays_in_view_unless_the_person_scrolls_up(
    alice: Person, stack: Stack
) -> None:
    await alice.page.set_viewport_size({"width": 900, "height": 480})
    stack.model.pace = 0.02
    for _ in range(2):
        await alice.ask("hello")
        await alice.says("offline model")
    bottom = "(e) => e.scrollHeight - e.scrollTop - e.clientHeight"
    at_the_end = f"(e) => ({bottom})(e) < 5"
    await eventually(lambda: alice.conversation.evaluate(at_the_end))
    await alice.ask("hello")
    await alice.conversation.hover()
    await alice.page.mouse.wheel(0, -300)
    await expect(alice.page.get_by_role("button", name="Go to the newest")).to_be_visible()
    await alice.finished()
    assert await alice.conversation.evaluate(bottom) > 100
    await alice.page.get_by_role("button", name="Go to the newest").click()
    await eventually(lambda: alice.conversation.evaluate(at_the_end))


async def test_a_screen_reader_hears_of_answers_whole_and_of_what_waits(alice: Person, stack: Stack) -> None:
    stack.model.pace = 0.01
    await alice.page.evaluate(
        """() => {
          window.heard = [];
          const status = document.querySelector("#announcer");
          window.said = new Promise((resolve) => {
            const hear = () => {
              window.heard.push(status.textContent);
              if (/random number/i.test(status.textContent.split(".").at(-2))) resolve();
            };
            new MutationObserver(hear).observe(status, {childList: true});
          });
        }"""
    )
    await expect(alice.conversation).to_have_attribute("aria-live", "off")
    await alice.ask(DICE)
    await alice.approve("get_random_number")
    await alice.says(r"\d")
    await alice.page.evaluate("window.said")
    heard = await alice.page.evaluate("window.heard")
    assert any("Approval needed for Random number – min 1, max" in words for words in heard)
    assert len(heard) <= 6


async def test_motion_is_reduced_for_those_who_ask(alice: Person) -> None:
    await alice.page.emulate_media(reduced_motion="reduce")
    await alice.page.evaluate(
        "document.querySelector('#conversation-content').innerHTML = '<i class=dots><i></i></i>'"
    )
    style = await alice.page.locator(".dots i").evaluate("(e) => getComputedStyle(e).animationName")
    assert style == "none"


async def test_the_picture_of_the_readme(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 1280, "height": 1240})
    await alice.ask("What is the weather in Zurich?")
    await alice.approve("get_city_weather")
    await alice.says("Zurich")
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_contain_text(re.compile("Needs your decision"))
    await picture(alice.page, "chat")
