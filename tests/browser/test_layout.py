"""What matters stays in reach on every screen: small, low, and enlarged to 200 and 400 %."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, ViewportSize, expect
from tests.browser.accessibility import assert_accessible
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch

from mcpsecurity.testing import ScriptedModel, says

DICE = "Please generate a random number between 1 and 6"
SCREENS = {
    "desktop": (1280, 800, 500),
    "tablet": (768, 1024, 700),
    "phone": (360, 640, 350),
    "phone lying down": (640, 360, 220),
    "1280x800 at 200 %": (640, 400, 260),
    "1366x768 at 200 %": (683, 384, 240),
    "1280x800 at 400 %": (320, 200, 80),
}
"""CSS pixels, and how high the conversation is at least while something waits."""

BEHIND = """() => {
  const focused = document.activeElement;
  const { left, right, top, bottom } = focused.getBoundingClientRect();
  const hit = (y) => document.elementFromPoint((left + right) / 2, y);
  return [top + 2, (top + bottom) / 2, bottom - 2].filter((y) => !focused.contains(hit(y)));
}"""
"""Returns how far down the element that has the focus is covered, or out of view."""

TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest) -> tuple[int, int, int]:
    return SCREENS[request.param]


async def test_a_decision_can_be_made_on_every_screen(alice: Person, screen: tuple[int, int, int]) -> None:
    width, height, least = screen
    await alice.page.set_viewport_size({"width": width, "height": height})
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await alice.page.keyboard.press("Alt+j")
    await expect(card).to_be_focused()
    assert (await _box(alice.conversation))["height"] >= least
    overflow = "(e) => [e.scrollWidth - innerWidth, e.scrollHeight - innerHeight]"
    assert await alice.page.locator("html").evaluate(overflow) == [0, 0]
    await expect(alice.message).to_be_in_viewport(ratio=1)
    for name in ("Approve", "Decline"):
        await expect(card.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
        if height > 200:
            assert (await _box(card.get_by_role("button", name=name)))["height"] >= 44
    await card.get_by_role("button", name="Approve").click()
    await expect(card).to_have_attribute("data-status", "done")


async def test_the_mode_is_explained_on_every_screen(alice: Person) -> None:
    for width, height, _ in SCREENS.values():
        await alice.page.set_viewport_size({"width": width, "height": height})
        await alice.message.click()
        await expect(alice.page.get_by_text("Nothing runs until you approve it.")).to_be_in_viewport(ratio=1)


async def test_send_stands_at_the_edge_of_the_composer_on_every_screen(alice: Person) -> None:
    await alice.message.fill("A long message. " * 30)
    for width, height, _ in SCREENS.values():
        await alice.page.set_viewport_size({"width": width, "height": height})
        composer, send = await _box(alice.page.locator(".composer")), await _box(alice.send)
        assert composer["x"] + composer["width"] - send["x"] - send["width"] <= 16, (width, height)


async def test_names_of_prompts_and_servers_do_not_touch_on_every_screen(alice: Person) -> None:
    for width, height, _ in SCREENS.values():
        await alice.page.set_viewport_size({"width": width, "height": height})
        await alice.message.fill("")
        await alice.message.fill("/")
        option = alice.page.get_by_role("option", name="/random_number_from_date")
        name, server = (
            await _box(option.locator(".prompt-name")),
            await _box(option.locator(".prompt-server")),
        )
        beside = server["x"] >= name["x"] + name["width"] + 4
        assert beside or server["y"] >= name["y"] + name["height"], (width, height)
        assert await option.locator(".prompt-name").evaluate("(e) => e.getClientRects().length") == 1
        await alice.page.keyboard.press("Escape")


async def test_on_a_low_screen_the_composer_is_one_line_until_the_person_turns_to_it(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 640, "height": 400})
    composer = alice.page.locator(".composer")
    await alice.message.press_sequentially(DICE)
    await expect(alice.mode).to_be_visible()
    written = (await _box(composer))["height"]
    await alice.message.press("Enter")
    await expect(alice.mode).to_be_hidden()
    await expect(alice.message).to_have_value("")  # the server has it
    resting = await _box(composer)
    assert resting["height"] < written - 20
    await alice.approve("get_random_number")
    await alice.finished()
    assert await _box(composer) == resting
    await alice.message.click()
    await expect(alice.mode).to_be_visible()


async def test_a_finger_that_turns_to_the_resting_composer_writes_in_it(
    browser: Browser, watch: Watch, stack: Stack
) -> None:
    size = ViewportSize(width=360, height=640)
    context = await browser.new_context(
        locale="en-GB", viewport=size, screen=size, has_touch=True, is_mobile=True
    )
    watch.observe(context)
    person = await Person(await context.new_page(), stack.url).sign_in()
    await person.message.fill("hello")
    await person.send.tap()
    await expect(person.mode).to_be_hidden()
    await person.says("offline model")
    await person.message.tap()
    await expect(person.message).to_be_focused()
    await expect(person.mode).to_be_visible()
    await context.close()


async def test_a_request_is_shown_from_its_beginning(alice: Person) -> None:
    await alice.ask("Please generate 3 random numbers")
    await expect(alice.calls("get_random_number")).to_have_count(3)
    await alice.page.evaluate(TWO_FRAMES)
    await expect(alice.page.get_by_role("button", name="Approve all")).to_be_in_viewport(ratio=1)
    await expect(alice.call("get_random_number").get_by_role("heading")).to_be_in_viewport(ratio=1)
    await alice.page.get_by_role("button", name="Decline all").click()
    await alice.finished()
    await alice.choose("Elicitation")
    await alice.ask("Hold an interview")
    await expect(alice.request()).to_have_count(2)
    await alice.page.evaluate(TWO_FRAMES)
    await expect(alice.call("hold_interview").locator("summary")).to_be_in_viewport(ratio=1)
    for left in (1, 0):
        await alice.request().get_by_role("button", name="Decline").first.click()
        await expect(alice.request()).to_have_count(left)
    await alice.finished()
    await alice.choose("Manual")
    await alice.page.set_viewport_size({"width": 640, "height": 400})
    await alice.ask("Demolish the house")
    card = alice.call("demolish_house")
    await expect(card).to_be_visible()
    await alice.page.evaluate(TWO_FRAMES)
    await expect(card.get_by_role("heading")).to_be_in_viewport(ratio=1)
    await expect(card.get_by_role("button", name="Approve")).to_be_in_viewport(ratio=1)


async def test_a_wide_screen_shows_more_and_no_longer_lines(alice: Person, script: ScriptedModel) -> None:
    script.will(says("Words. " * 200))
    await alice.ask("Please write a lot")
    await alice.says("Words")
    widths = {}
    for width in (1280, 1920, 2560):
        await alice.page.set_viewport_size({"width": width, "height": 1080})
        shown = (alice.page.locator(".chats"), alice.answers.last, alice.answers.locator("p"), alice.message)
        widths[width] = [(await _box(element))["width"] for element in shown]
    lists, answers, lines, boxes = zip(*widths.values(), strict=True)
    assert lists == tuple(sorted(set(lists)))
    assert answers == tuple(sorted(set(answers)))
    assert boxes == tuple(sorted(set(boxes)))
    assert len(set(lines)) == 1


async def test_the_keyboard_reaches_what_a_resting_composer_hides(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 640, "height": 400})
    await alice.message.focus()
    await expect(alice.mode).to_be_hidden()
    await alice.page.keyboard.press("Tab")
    await expect(alice.page.get_by_role("button", name="Prompts")).to_be_focused()


async def test_a_request_that_is_higher_than_the_screen_counts_as_seen(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 500})
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    request = alice.request()
    await expect(request).to_be_visible()
    await request.get_by_role("textbox").first.focus()
    inside = await alice.conversation.evaluate("(e) => e.clientHeight")
    assert (await _box(request))["height"] > 3 * inside
    await expect(alice.page.locator("#waiting")).to_be_hidden()


async def test_a_field_that_has_the_focus_is_not_behind_the_docked_buttons(alice: Person) -> None:
    keys = alice.page.keyboard
    await alice.choose("Elicitation")
    await alice.notices.get_by_role("button", name="Dismiss").click()
    await alice.ask("Fill in a survey")
    form, sending = alice.request(), alice.request().get_by_role("button", name="Cancel")
    for width, height in ((360, 640), (640, 360), (1280, 720), (320, 200)):
        await alice.page.set_viewport_size({"width": width, "height": height})
        await form.focus()
        await expect(alice.page.locator("#waiting")).to_be_hidden()  # it lies over the conversation
        await form.get_by_label("Name").focus()
        behind = {}
        while not await sending.evaluate("(e) => e === document.activeElement"):
            await alice.page.evaluate(TWO_FRAMES)
            if points := await alice.page.evaluate(BEHIND):
                behind[await alice.page.evaluate("document.activeElement.outerHTML")] = points
            await keys.press("Tab")
        assert behind == {}, (width, height)


async def test_what_waits_out_of_view_is_named_and_reached(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 640, "height": 400})
    for _ in range(3):
        await alice.ask("hello")
        await alice.says("offline model")
    await alice.ask(DICE)
    card = alice.call("get_random_number")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await alice.conversation.evaluate("(e) => e.scrollTo(0, 0)")
    bar = alice.page.locator("#waiting")
    await expect(bar).to_contain_text(re.compile("1 request"))
    await bar.get_by_role("button", name="Show").click()
    await expect(card).to_be_focused()
    await expect(bar).to_be_hidden()


async def test_on_a_narrow_screen_the_button_of_the_chats_says_what_waits_in_another_one(
    alice: Person,
) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 740})
    await alice.ask(DICE)
    await expect(alice.call("get_random_number")).to_have_attribute("data-status", "proposed")
    button = alice.page.get_by_role("button", name="Chats")
    await expect(button).to_have_accessible_name("Chats")
    await alice.begin_another()
    await expect(button).to_have_accessible_name("Chats 1 needs your decision")
    badge, icon = button.get_by_text("1", exact=True), await _box(button.locator(".icon"))
    await expect(badge).to_be_in_viewport(ratio=1)
    covers = await _box(badge)
    beside = max(0, icon["x"] + icon["width"] - covers["x"])
    below = max(0, covers["y"] + covers["height"] - icon["y"])
    assert beside * below < icon["width"] * icon["height"] / 5, "the three lines are still to be seen"
    await assert_accessible(alice.page)
    await button.click()
    await alice.page.get_by_role("link", name=DICE).click()
    await alice.approve("get_random_number")
    await alice.finished()
    await expect(button).to_have_accessible_name("Chats")


async def test_the_buttons_of_a_request_never_cover_its_heading(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 740})
    await alice.ask("Please generate 2 random numbers")
    cards = alice.calls("get_random_number")
    await expect(cards).to_have_count(2)
    await alice.page.evaluate(TWO_FRAMES)
    for seen in (40, 70, 100):
        await cards.last.evaluate(
            """(card, seen) => {
              const log = document.getElementById("conversation");
              log.scrollTop += card.getBoundingClientRect().top - log.getBoundingClientRect().bottom + seen;
            }""",
            seen,
        )
        heading = await _box(cards.last.get_by_role("heading"))
        buttons = await _box(cards.last.locator(".decide").first)
        assert heading["y"] + heading["height"] <= buttons["y"]


async def test_a_notice_leaves_the_buttons_at_the_top_in_reach(
    alice: Person, screen: tuple[int, int, int], watch: Watch
) -> None:
    watch.allow("503")
    page = alice.page
    refusal = {"error": {"code": "busy", "message": "Not now. " * 20, "retryable": False}}
    await page.route("**/mode", lambda route: route.fulfill(status=503, json=refusal))
    await alice.mode.select_option("elicitation")
    notice = alice.notices.get_by_role("listitem")
    await expect(notice).to_be_visible()
    await page.set_viewport_size({"width": screen[0], "height": screen[1]})
    for name in ("MCP servers", "Chat menu", "Account"):
        await page.get_by_role("button", name=name).click()
        await page.keyboard.press("Escape")
    await notice.get_by_role("button", name="Dismiss").click()
    await expect(notice).to_have_count(0)


async def test_prompts_leave_the_composer_where_it_is(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 640, "height": 400})
    await alice.message.press_sequentially("/")
    await expect(alice.page.get_by_role("listbox", name="Prompts")).to_be_in_viewport()
    await expect(alice.page.get_by_role("combobox", name="Find a prompt")).to_be_in_viewport(ratio=1)
    await expect(alice.message).to_be_in_viewport(ratio=1)


async def _box(element: Locator) -> Any:
    box = await element.bounding_box()
    assert box is not None
    return box


async def test_the_first_wrong_field_and_its_error_are_in_view_on_a_phone(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 740})
    await alice.choose("Elicitation")
    await alice.ask("Plan a trip")
    await alice.answer("Send answer")
    field = alice.request().get_by_label("Destination")
    await expect(field).to_be_focused()
    error = await _box(alice.request().locator(".field-error:not(:empty)").first)
    buttons = await _box(alice.request().locator(".decide"))
    assert error["y"] + error["height"] <= buttons["y"]


async def test_the_words_in_the_resting_composer_end_before_its_button_on_a_phone(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 740})
    await alice.ask(DICE)
    await expect(alice.stop).to_be_visible()
    text, button = await _box(alice.message), await _box(alice.stop)
    assert text["x"] + text["width"] < button["x"]


async def test_the_title_of_the_chat_does_not_run_into_the_name_of_the_product(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 640, "height": 400})
    await expect(alice.page.locator(".brand-name span")).to_be_hidden()
    await expect(alice.page.get_by_role("link", name="mcpsecurity")).to_be_visible()
    await expect(alice.page.get_by_role("heading", level=1)).to_be_visible()


async def test_a_chat_that_is_opened_again_on_a_phone_leaves_room_for_what_waits_in_it(alice: Person) -> None:
    await alice.page.set_viewport_size({"width": 360, "height": 640})
    await alice.choose("Elicitation")
    await alice.ask("Fill in a survey")
    await expect(alice.request()).to_be_visible()
    await alice.page.reload()
    await expect(alice.request()).to_be_visible()
    await expect(alice.mode).to_be_hidden()
    await alice.message.click()
    await expect(alice.mode).to_be_visible()
    await alice.message.fill("A draft")
    await alice.page.reload()
    await expect(alice.message).to_have_value("A draft")
    await expect(alice.request()).to_be_visible()
    await expect(alice.mode).to_be_visible()
