"""What somebody does who has never seen the chat, in one go and without a manual."""

import re

from playwright.async_api import expect
from tests.browser.looks import picture
from tests.browser.person import Person, soon
from tests.browser.stack import Stack


async def test_a_first_visit(alice: Person, stack: Stack) -> None:
    await alice.page.set_viewport_size({"width": 1280, "height": 860})
    await _asks_for_the_weather(alice)
    await _declines_and_edits(alice)
    await _stops_an_answer(alice, stack)
    await _plans_a_trip(alice)


async def _asks_for_the_weather(alice: Person) -> None:
    page = alice.page
    await alice.ask("What is the weather in Springfield?")
    await alice.approve("get_city_weather")
    place = alice.request().get_by_label("Place")
    await expect(place).to_be_visible()
    await picture(page, "visit-1-which-springfield")
    chosen = (await place.get_by_role("option").all_inner_texts())[1]
    await place.select_option(chosen)
    await alice.answer("Send answer")
    await alice.says("Springfield")
    card = alice.call("get_city_weather")
    await expect(card.get_by_role("img")).to_have_accessible_name(re.compile(chosen))
    await card.scroll_into_view_if_needed()
    await picture(page, "visit-2-weather")


async def _declines_and_edits(alice: Person) -> None:
    page = alice.page
    await alice.ask("Please generate a random number between 1 and 6")
    await alice.decline("get_random_number")
    await alice.says("declined")
    await picture(page, "visit-3-declined")

    await alice.ask("Please generate a random number between 1 and 6")
    second = alice.call("get_random_number", 1)
    await second.get_by_role("button", name="Edit arguments").click()
    await second.get_by_label("min").fill("41")
    await second.get_by_label("max").fill("42")
    await alice.approve("get_random_number", 1)
    await alice.says(r"\b41\b")
    await picture(page, "visit-4-edited")


async def _stops_an_answer(alice: Person, stack: Stack) -> None:
    stack.model.pace = 0.05
    await alice.ask("hello")
    await expect(alice.answers.last).to_contain_text("offline model")
    stack.model.pace = 60.0  # the answer pauses until it is stopped
    await alice.stop.click()
    await alice.finished()
    stack.model.pace = 0.0
    await expect(alice.conversation).to_contain_text("You stopped this answer")
    await picture(alice.page, "visit-5-stopped")


async def _plans_a_trip(alice: Person) -> None:
    page = alice.page
    await alice.choose("Elicitation")
    await alice.ask("Plan a trip")
    await expect(alice.request()).to_be_visible()
    await page.reload()
    await expect(alice.request()).to_be_visible()
    form = alice.request()
    await form.get_by_label("Destination").fill("Lisbon")
    await form.get_by_label("First day").fill(soon())
    await form.get_by_label("Last day").fill(soon())
    await form.get_by_label("Travellers").fill("2")
    await form.get_by_role("group", name="Interests").get_by_label("Food").check()
    await picture(page, "visit-6-trip")
    await alice.answer("Send answer")
    await alice.says("Lisbon")
