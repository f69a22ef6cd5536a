"""The main job, end to end: sign in, ask, approve, answer."""

import re

from playwright.async_api import expect
from tests.browser.person import BOB, Person
from tests.browser.watch import Watch


async def test_a_random_number_is_approved_and_answered(alice: Person) -> None:
    await alice.ask("Please generate a random number between 1 and 6")
    card = alice.call("get_random_number")
    await expect(card.get_by_role("button", name="Approve")).to_be_visible()
    await expect(card.get_by_role("row", name="min 1")).to_be_visible()
    await expect(card.get_by_role("row", name="max 7")).to_be_visible()
    await alice.approve("get_random_number")
    await expect(card).to_contain_text("Done")
    answer = await alice.says(r"\b[1-6]\b")
    assert int(re.findall(r"\d+", answer)[0]) in range(1, 7)


async def test_elicitation_mode_asks_by_a_form_and_submit_answers(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.request()).to_be_visible()
    await expect(alice.call("get_random_number").get_by_role("button", name="Approve")).to_have_count(0)
    await alice.answer("Approve")
    await alice.says(r"\b[1-6]\b")


async def test_elicitation_mode_declined_is_said_to_be_declined(alice: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Please generate a random number between 1 and 6")
    await alice.answer("Decline")
    await alice.says("declined")


async def test_the_weather_in_zurich_is_told_and_drawn(alice: Person) -> None:
    await alice.ask("What is the weather in Zurich?")
    await alice.approve("get_city_weather")
    await alice.says("Zurich")
    picture = alice.call("get_city_weather").get_by_role(
        "img", name=re.compile("Forecast for Zurich.*7 days")
    )
    await expect(picture).to_be_visible()
    await expect(alice.page.get_by_role("table", name=re.compile("Forecast for Zurich"))).to_be_attached()


async def test_two_people_each_see_only_their_own(alice: Person, bob: Person) -> None:
    await alice.choose("Elicitation")
    await alice.ask("Please generate a random number between 1 and 6")
    await bob.ask("What is the weather in Zurich?")
    await expect(alice.request()).to_have_count(1)
    await expect(bob.call("get_city_weather").get_by_role("button", name="Approve")).to_be_visible()
    await expect(bob.request()).to_have_count(0)
    await expect(bob.calls("get_random_number")).to_have_count(0)
    await expect(alice.calls("get_city_weather")).to_have_count(0)
    await alice.answer("Approve")
    await alice.says(r"\b[1-6]\b")
    await expect(bob.conversation.locator(".message").filter(has_text="random number")).to_have_count(0)


async def test_nobody_opens_or_answers_in_the_chat_of_another(
    alice: Person, bob: Person, watch: Watch
) -> None:
    watch.allow("404")
    await alice.ask("Please generate a random number between 1 and 6")
    await expect(alice.call("get_random_number").get_by_role("button", name="Approve")).to_be_visible()
    chat = await alice.page.locator("body").get_attribute("data-chat-id")
    status = await bob.page.evaluate(
        """async (chat) => {
          const token = document.querySelector('meta[name="csrf-token"]').content;
          const headers = {"Content-Type": "application/json", "X-CSRF-Token": token};
          const post = (path, body) => fetch(`/api/chats/${chat}/${path}`,
            {method: "POST", headers, body: JSON.stringify(body)}).then((answer) => answer.status);
          return [await fetch(`/chats/${chat}`).then((answer) => answer.status),
                  await fetch(`/api/chats/${chat}/events`).then((answer) => answer.status),
                  await post("messages", {text: "hello"}), await post("mode", {mode: "elicitation"})];
        }""",
        chat,
    )
    assert status == [404, 404, 404, 404]
    assert bob.url == alice.url
    assert BOB in await bob.page.locator(".who-username").first.inner_text()
