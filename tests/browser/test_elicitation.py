"""Servers' questions become forms. Submit, decline and cancel differ, and nothing is accepted by itself."""

import re

from playwright.async_api import Page, Route, expect
from tests.browser.person import Person, soon
from tests.browser.stack import Stack
from tests.browser.watch import Watch


async def begin(person: Person, words: str) -> None:
    """Ask for a tool in Elicitation mode, where only its server asks."""
    await person.choose("Elicitation")
    await person.ask(words)
    await expect(person.request().first).to_be_visible()


async def fill_in(person: Person) -> None:
    """Fill in what the survey requires."""
    form = person.request()
    await form.get_by_label("Name").fill("Ada")
    await form.get_by_label("Day of birth").fill("1990-12-10")
    await form.get_by_label("Children").fill("2")
    await form.get_by_role("checkbox", name="I accept the terms").check()
    await form.get_by_label("Size").select_option("Large")
    await form.get_by_role("group", name="Hobbies").get_by_label("Chess").check()


async def test_every_kind_of_field_arrives_with_its_json_type(alice: Person, stack: Stack) -> None:
    await begin(alice, "Fill in a survey")
    form = alice.request()
    await expect(form).to_have_accessible_name("Request from playground")
    await expect(form).to_contain_text("Please take part in our survey.")
    await fill_in(alice)
    await form.get_by_label("E-mail").fill("ada@example.com")
    await form.get_by_label("Web site").fill("https://example.com/")
    await form.get_by_label("Meeting").fill("2026-12-24T18:30")
    await form.get_by_label("Smoker").select_option("No")
    await form.get_by_label("Rating").select_option("Good")
    await alice.answer("Send answer")
    await alice.says("accept")
    assert stack.playground.answers[0].content == {
        "name": "Ada", "email": "ada@example.com", "site": "https://example.com/", "born": "1990-12-10",
        "meeting": "2026-12-24T18:30:00+01:00", "children": 2, "height": 1.75, "smoker": False, "terms": True,
        "colour": "green", "size": "l", "rating": "2", "hobbies": ["chess"],
    }  # fmt: skip


async def test_blank_fields_are_left_out(alice: Person, stack: Stack) -> None:
    await begin(alice, "Fill in a survey")
    await fill_in(alice)
    await alice.request().get_by_label("Height").fill("")
    await alice.request().get_by_label("Colour").select_option("No choice")
    await alice.answer("Send answer")
    await alice.says("accept")
    content = stack.playground.answers[0].content or {}
    assert set(content) == {"name", "born", "children", "terms", "size", "hobbies"}


async def test_errors_stand_at_their_fields_and_the_first_gets_the_focus(alice: Person, stack: Stack) -> None:
    await begin(alice, "Fill in a survey")
    form = alice.request()
    await fill_in(alice)
    await form.get_by_label("Name").fill("A")
    await form.get_by_label("Children").fill("21")
    await form.get_by_role("group", name="Hobbies").get_by_label("Music").check()
    await form.get_by_role("group", name="Hobbies").get_by_label("Running").check()
    await alice.answer("Send answer")
    await expect(form.get_by_label("Name")).to_be_focused()
    await expect(form.get_by_label("Name")).to_have_accessible_description(
        re.compile("at least 2 characters")
    )
    await expect(form.get_by_text("Must be 20 or less.")).to_be_visible()
    await expect(form.get_by_text("Choose at most 2.")).to_be_visible()
    assert stack.playground.answers == []


async def test_the_server_checks_again_and_its_errors_stand_at_the_fields(
    alice: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("422")
    await begin(alice, "Fill in a survey")
    await fill_in(alice)

    async def forge(route: Route) -> None:
        await route.continue_(
            post_data=(route.request.post_data or "").replace('"children":2', '"children":"two"')
        )

    await alice.page.route("**/elicitations/*", forge)
    await alice.answer("Send answer")
    await expect(alice.request().get_by_label("Children")).to_be_focused()
    await expect(alice.request().get_by_label("Children")).to_have_attribute("aria-invalid", "true")
    assert stack.playground.answers == []


async def test_decline_and_cancel_are_different_answers(alice: Person, stack: Stack) -> None:
    await begin(alice, "Do a handshake")
    await alice.answer("Decline")
    await alice.finished()
    await begin(alice, "Do a handshake")
    await alice.answer("Cancel")
    await alice.finished()
    assert [answer.action for answer in stack.playground.answers] == ["decline", "cancel"]


async def test_escape_cancels_but_not_what_was_typed(alice: Person, stack: Stack) -> None:
    await begin(alice, "Fill in a survey")
    await alice.request().get_by_label("Name").fill("Ada")
    await alice.page.keyboard.press("Escape")
    await expect(alice.request().get_by_role("button", name="Cancel")).to_be_focused()
    await alice.page.keyboard.press("Escape")
    await alice.says("cancel")
    assert [answer.action for answer in stack.playground.answers] == ["cancel"]
    await expect(alice.message).to_be_focused()


async def test_a_question_without_fields_shows_its_words_and_buttons(alice: Person, stack: Stack) -> None:
    await begin(alice, "Do a handshake")
    await expect(alice.request()).to_contain_text("Shake hands?")
    await alice.answer("Approve")
    await alice.says("accept")
    assert stack.playground.answers[0].content in (None, {})


async def test_two_questions_of_one_call_are_answered_apart(alice: Person, stack: Stack) -> None:
    await begin(alice, "Hold an interview")
    await expect(alice.request()).to_have_count(2)
    second = alice.request().filter(has=alice.page.get_by_label("Second"))
    await second.get_by_label("Second").fill("two")
    await second.get_by_role("button", name="Send answer").click()
    await expect(alice.request()).to_have_count(1)
    await alice.request().get_by_label("First").fill("one")
    await alice.answer("Send answer")
    await alice.says("accept")
    assert [answer.content for answer in stack.playground.answers] == [{"Second": "two"}, {"First": "one"}]


async def test_an_ambiguous_city_is_chosen_from_titles(alice: Person) -> None:
    await begin(alice, "What is the weather in Springfield?")
    await alice.answer("Approve")
    place = alice.request().get_by_label("Place")
    await expect(place).to_be_visible()
    options = await place.get_by_role("option").all_inner_texts()
    await place.select_option(options[1])
    await alice.answer("Send answer")
    await alice.says("Springfield")
    await expect(alice.call("get_city_weather").get_by_role("img")).to_have_accessible_name(
        re.compile(options[1])
    )


async def test_a_trip_is_planned_from_one_form(alice: Person) -> None:
    await begin(alice, "Plan a trip")
    form = alice.request()
    await form.get_by_label("Destination").fill("Lisbon")
    await form.get_by_label("First day").fill(soon())
    await form.get_by_label("Last day").fill(soon())
    await form.get_by_label("Travellers").fill("2")
    await form.get_by_role("group", name="Interests").get_by_label("Food").check()
    await alice.answer("Send answer")
    await alice.says("Lisbon")
    await expect(alice.call("plan_trip")).to_contain_text("Done")


async def no_request_to(page: Page, host: str) -> list[str]:
    """Return the list that requests of the page's whole context to `host` will be added to."""
    seen: list[str] = []
    page.context.on("request", lambda request: seen.append(request.url) if host in request.url else None)
    return seen


async def test_an_address_is_shown_in_full_and_opened_only_with_consent(alice: Person, stack: Stack) -> None:
    stack.playground.visit_url = "https://xn--pple-43d.example.com/connect?state=abc"
    seen = await no_request_to(alice.page, "example.com")
    await alice.page.context.route("https://*.example.com/**", lambda route: route.fulfill(body="there"))
    await begin(alice, "Request a visa")
    request = alice.request()
    await expect(request).to_contain_text("Decline tells playground no.")
    await expect(request).to_contain_text(stack.playground.visit_url)
    await expect(request.get_by_text("xn--pple-43d.example.com", exact=True)).to_be_visible()
    await expect(request.get_by_role("listitem")).to_contain_text("look-alike letters")
    assert await request.locator("a, img, iframe").count() == 0
    assert seen == []
    async with alice.page.context.expect_page() as opened:
        await alice.answer("Open xn--pple-43d.example.com in a new tab")
    tab = await opened.value
    await tab.wait_for_url(lambda url: url != "about:blank")
    assert tab.url == stack.playground.visit_url
    assert await tab.evaluate("[window.opener, document.referrer]") == [None, ""]
    await alice.says("Visa: accept")
    assert (stack.playground.answers[0].action, stack.playground.answers[0].content) == ("accept", None)


async def test_an_address_that_is_declined_is_never_opened(alice: Person, stack: Stack) -> None:
    seen = await no_request_to(alice.page, "example.com")
    await begin(alice, "Request a visa")
    await alice.answer("Decline")
    await alice.says("Visa: decline")
    assert (seen, len(alice.page.context.pages)) == ([], 1)


async def test_an_address_of_another_scheme_is_not_even_offered(alice: Person, stack: Stack) -> None:
    stack.playground.visit_url = "javascript:console.error('hacked')"
    await alice.choose("Elicitation")
    await alice.ask("Request a visa")
    await alice.finished()
    await expect(alice.request()).to_have_count(0)
    await expect(alice.call("request_visa")).to_contain_text("Failed")
    assert stack.playground.answers == []


async def test_the_countdown_ends_in_cancel_and_a_late_click_is_refused(
    alice_in_a_hurry: Person, stack: Stack, watch: Watch
) -> None:
    watch.allow("410")
    person = alice_in_a_hurry
    await begin(person, "Do a handshake")
    await expect(person.request()).to_contain_text(re.compile(r"expires in 0:0\d"))

    async def arrive_late(route: Route) -> None:
        await stack.playground.answered.wait()
        await route.continue_()

    await person.page.route("**/elicitations/*", arrive_late)
    async with person.page.expect_response("**/elicitations/*") as late:
        await person.answer("Approve")
    assert (await late.value).status == 410
    assert [answer.action for answer in stack.playground.answers] == ["cancel"]
    await expect(person.conversation).to_contain_text("Expired: there was no answer in time")
    await expect(person.notices.get_by_role("listitem")).to_have_count(1)


async def test_a_call_whose_question_was_declined_has_not_failed_and_says_who_declined(alice: Person) -> None:
    await begin(alice, "Plan a trip")
    await alice.answer("Decline")
    await alice.finished()
    card = alice.call("plan_trip")
    for _ in range(2):
        await expect(card.locator(".card-state")).to_have_text("You declined its question")
        await expect(card.locator(".card-error")).to_have_count(0)
        await expect(card.get_by_role("button", name="Ask again")).to_have_count(0)
        await alice.page.reload()
        await alice.ready()
    await card.locator("summary").click()
    await expect(card).to_contain_text("was declined by the user")  # the server's own words
    await begin(alice, "Plan a trip")
    await alice.answer("Cancel")
    await expect(alice.call("plan_trip", 1).locator(".card-state")).to_have_text("You cancelled its question")
