"""How an answer ended is said below it, and no ending leaves the page waiting."""

import re

import pytest
from playwright.async_api import expect
from tests.browser.person import Person
from tests.browser.scripted import Script, says
from tests.browser.watch import Watch

from mcpsecurity_webclient.chat import events
from mcpsecurity_webclient.chat.wire import to_json


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(monkeypatch)


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ("length", "The answer was cut off at the model's limit."),
        ("content_filter", "The model's content filter ended this answer."),
    ],
)
async def test_an_answer_that_did_not_end_by_itself_says_so_also_after_a_reload(
    alice: Person, script: Script, finish: str, words: str
) -> None:
    script.will(says("Once upon a time", finish), says("The whole story."))
    await alice.ask("Tell me a story")
    await alice.says("Once upon a time")
    ending = alice.page.get_by_role("group", name="No answer")
    await expect(ending).to_contain_text(words)
    await expect(alice.page.locator("#announcer")).to_contain_text(words)
    await alice.page.reload()
    await expect(ending).to_contain_text(words)
    await ending.get_by_role("button", name="Try again").click()
    await alice.says("The whole story")
    await expect(ending).to_have_count(0)


async def test_an_answer_without_a_word_can_be_tried_again(alice: Person, script: Script) -> None:
    script.will(says(""), says("Here I am."))
    await alice.ask("hello")
    ending = alice.page.get_by_role("group", name="No answer")
    await expect(ending).to_contain_text("The model gave no answer.")
    await alice.finished()
    await ending.get_by_role("button", name="Try again").click()
    await alice.says("Here I am")


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (None, ""),
        (
            {"prompt_tokens": 1234, "completion_tokens": 5, "total_tokens": 1239},
            "1,239 tokens (1,234 in, 5 out)",
        ),
    ],
)
async def test_what_is_known_of_the_usage_is_shown(
    alice: Person, script: Script, usage: dict[str, int] | None, words: str
) -> None:
    script.will(says("Good day.", usage=usage))
    await alice.ask("hello")
    await alice.says("Good day")
    await expect(alice.page.locator(".usage").last).to_have_text(words)
    await expect(alice.page.locator("#connection")).to_have_text("")


@pytest.mark.parametrize(
    "broken",
    ['{"usage": null, "error": null, "more": {}}', '{"usage": {"prompt_tokens": null}}', "[]", "null", "{"],
)
async def test_an_odd_end_of_a_run_ends_it(
    alice: Person, script: Script, watch: Watch, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    watch.allow("mcpsecurity: reading run.done failed")
    monkeypatch.setattr(events, "to_json", lambda body: broken if "status" in body else to_json(body))
    script.will(says("Good day."), says("Good night."))
    await alice.ask("hello")
    await alice.says("Good day")
    await alice.ask("bye")
    await alice.says("Good night")


@pytest.mark.parametrize("broken", ["{", "[]", '{"title": null}', '{"title": {}, "call": 1}'])
async def test_an_odd_event_is_passed_over(
    alice: Person, script: Script, watch: Watch, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    watch.allow("mcpsecurity: .* failed")
    monkeypatch.setattr(
        events,
        "to_json",
        lambda body: broken if "title" in body and "messages" not in body else to_json(body),
    )
    script.will(says("Good day."), says("Good night."))
    await alice.ask("hello")
    await alice.says("Good day")
    await alice.ask("bye")
    await alice.says("Good night")
    await expect(alice.conversation.get_by_text(re.compile("Good day"))).to_be_visible()


async def test_a_message_that_cannot_be_drawn_does_not_hide_the_others(
    alice: Person, script: Script, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.allow("mcpsecurity: drawing a message failed")
    script.will(says("Good day."), says("Good night."))
    await alice.ask("hello")
    await alice.says("Good day")
    await alice.ask("bye")
    await alice.says("Good night")
    monkeypatch.setattr(events, "to_json", lambda body: to_json(_without_lists(body)))
    await alice.page.reload()
    await expect(alice.conversation).to_contain_text("This message cannot be shown.")
    await expect(alice.conversation).to_contain_text("Good night.")


def _without_lists(body: dict[str, object]) -> dict[str, object]:
    """Return a snapshot whose first message has attachments that are no list."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return body
    return body | {"messages": [messages[0] | {"attachments": 7}, *messages[1:]]}
