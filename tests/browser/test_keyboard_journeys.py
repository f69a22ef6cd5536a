"""The journeys of docs/tour.md by keyboard alone; the first two of them are in test_first_five_minutes.py."""

from playwright.async_api import Locator, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.test_first_five_minutes import reach

DICE = "Please generate a random number between 1 and 6"


async def say(person: Person, text: str) -> None:
    """Write a message and send it, from wherever the focus is."""
    await reach(person.message)
    await person.page.keyboard.type(text)
    await person.page.keyboard.press("Enter")


async def press(target: Locator, back: bool = False) -> None:
    """Go to a button and press it."""
    await reach(target, "Shift+Tab" if back else "Tab")
    await target.page.keyboard.press("Enter")


async def test_answers_are_stopped_and_given_again(alice: Person, stack: Stack) -> None:
    stack.model.pace = 0.05
    await say(alice, "hello")
    await expect(alice.answers).to_contain_text("Hello")
    stack.model.pace = 60.0  # the answer pauses until it is stopped
    await alice.page.keyboard.press("Escape")
    await expect(alice.conversation).to_contain_text("You stopped this answer")
    stack.model.pace = 0.0
    await press(alice.conversation.get_by_role("button", name="Try again"), back=True)
    await alice.says("offline model")
    await press(alice.conversation.get_by_role("button", name="Regenerate"), back=True)
    await alice.says("offline model")
    await expect(alice.answers).to_have_count(1)


async def test_a_person_changes_her_mind(alice: Person) -> None:
    page, keys = alice.page, alice.page.keyboard
    await say(alice, "hello there")
    await alice.says("offline model")
    await press(page.get_by_role("button", name="Edit message"), back=True)
    await expect(page.get_by_role("textbox", name="What you said")).to_be_focused()
    await keys.press("Control+a")
    await keys.type("good morning")
    await press(page.get_by_role("button", name="Save and ask"))
    await expect(page.locator(".versions").get_by_text("2 of 2")).to_be_visible()
    await alice.finished()
    await press(page.get_by_role("button", name="Version before"), back=True)
    await expect(alice.conversation.locator(".bubble")).to_have_text("hello there")
    good = page.get_by_role("button", name="Good answer")
    await press(good, back=True)
    await expect(good).to_have_attribute("aria-pressed", "true")
    await say(alice, "Run a marathon")
    await expect(alice.call("run_marathon")).to_contain_text("Needs your decision")
    await say(alice, "and what then?")
    await press(page.get_by_role("button", name="Take back"), back=True)
    await expect(alice.message).to_have_value("and what then?")
    await expect(alice.message).to_be_focused()


async def test_tools_are_chosen_allowed_and_revoked(alice: Person) -> None:
    page, keys = alice.page, alice.page.keyboard
    await press(page.get_by_role("button", name="Chat menu"), back=True)
    await press(page.get_by_role("button", name="Tools", exact=True))
    dialog = page.get_by_role("dialog", name="Tools of this chat")
    await reach(dialog.get_by_role("searchbox", name="Search tools"))
    await keys.type("marathon")
    await reach(dialog.get_by_role("switch", name="Use Marathon"))
    await keys.press("Space")
    await expect(dialog.get_by_role("switch", name="Use Marathon")).not_to_be_checked()
    await keys.press("Escape")
    await expect(dialog).to_be_hidden()
    await say(alice, DICE)
    card = alice.call("get_random_number")
    await expect(card).to_contain_text("Needs your decision")
    await keys.press("Alt+j")
    await reach(card.get_by_role("checkbox", name="Don't ask again"))
    await keys.press("Space")
    await keys.press("Alt+y")
    await alice.says(r"\b[1-6]\b")
    await press(page.get_by_role("button", name="Revoke get_random_number"), back=True)
    await expect(page.get_by_role("group", name="Always allowed in this chat")).to_be_hidden()
    await expect(alice.message).to_be_focused()
    await keys.type("/in_range")
    await expect(page.get_by_role("option", name="in_range")).to_have_attribute("aria-selected", "true")
    await keys.press("Enter")
    await expect(page.get_by_role("form", name="Prompt")).to_be_visible()
    await keys.type("3")
    await keys.press("Tab")
    await keys.type("9")
    await keys.press("Enter")
    await expect(alice.call("get_random_number", 1).get_by_role("row", name="min 3")).to_be_visible()
