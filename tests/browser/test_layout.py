"""What matters stays in reach on every screen: small, low, and enlarged to 200 and 400 %."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from tests.browser.person import Person

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
