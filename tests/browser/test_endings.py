"""How an answer ended is said below it, and no ending leaves the page waiting."""

import re

import pytest
from playwright.async_api import Locator, Page, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.test_files import NOTES
from tests.browser.watch import Watch

from mcpsecurity.localcloud.openai import ModelFault, Turn
from mcpsecurity.testing import ScriptedModel, calls, refuses, says
from mcpsecurity_webclient.chat import events
from mcpsecurity_webclient.chat.strict_json import to_json


def ending_of(person: Person) -> Locator:
    """Return what stands below the last answer."""
    return person.page.get_by_role("group", name="No answer")


@pytest.mark.parametrize(
    ("finish", "words"),
    [
        ("length", "The answer was cut off at the model's limit."),
        ("tea_time", "The model ended this answer for a reason that is not known here: tea_time."),
        ("content_filter", "The model's content filter ended this answer."),
    ],
)
async def test_an_answer_that_did_not_end_by_itself_says_so_also_after_a_reload(
    alice: Person, script: ScriptedModel, finish: str, words: str
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


async def test_an_answer_without_a_word_can_be_tried_again(alice: Person, script: ScriptedModel) -> None:
    script.will(says(""), says("Here I am."))
    await alice.ask("hello")
    ending = alice.page.get_by_role("group", name="No answer")
    await expect(ending).to_contain_text("The model gave no answer.")
    await alice.finished()
    await ending.get_by_role("button", name="Try again").click()
    await alice.says("Here I am")


@pytest.mark.parametrize("status", [401, 403])
async def test_what_only_the_operator_can_mend_is_tried_again_when_it_is_mended(
    alice: Person, stack: Stack, status: int
) -> None:
    stack.model.faults.upcoming.append(ModelFault(status, str(status), "no"))
    await alice.ask("hello")
    ending = ending_of(alice)
    await expect(ending).to_contain_text(
        "The model refuses this application's credentials. Please tell your administrator."
    )
    await ending.get_by_role("button", name="Try again").click()
    await expect(ending).to_have_count(0)
    await alice.finished()
    await expect(alice.answers.last).not_to_be_empty()


@pytest.mark.parametrize(
    ("turn", "words", "step"),
    [
        (says("", "content_filter"), "The model's content filter held back the whole answer.", "Try again"),
        (says("", "length"), "The model reached its limit before it said a word.", "Try again"),
        (refuses("I can't help with that."), "The model refused.", "Edit message"),
    ],
)
async def test_an_empty_answer_says_why_and_what_can_be_done(
    alice: Person, script: ScriptedModel, turn: Turn, words: str, step: str
) -> None:
    script.will(turn, says("Here I am."))
    await alice.ask("hello")
    await expect(ending_of(alice)).to_contain_text(words)
    assert await ending_of(alice).get_by_role("button").all_inner_texts() == [step]
    await alice.page.reload()
    await expect(ending_of(alice)).to_contain_text(words)
    await alice.finished()
    await alice.ask("and now?")
    await alice.says("Here I am")
    shown = alice.conversation.get_by_text("I can't help" if step == "Edit message" else words)
    await expect(shown).to_be_visible()


async def test_a_refusal_is_shown_and_the_question_can_be_put_in_other_words(
    alice: Person, script: ScriptedModel
) -> None:
    script.will(refuses("I can't help with *that*."))
    await alice.ask("something odd")
    await alice.says("I can't help with that")
    await alice.message.fill("my draft")
    await ending_of(alice).get_by_role("button", name="Edit message").click()
    editor = alice.page.get_by_role("textbox", name="What you said")
    await expect(editor).to_be_focused()
    await expect(editor).to_have_value("something odd")
    script.will(says("A pleasure."))
    await editor.fill("something usual")
    await alice.page.get_by_role("button", name="Save and ask").click()
    await alice.says("A pleasure")
    await expect(alice.conversation).not_to_contain_text("something odd")
    await expect(alice.message).to_have_value("my draft")


async def test_an_answer_that_was_cut_off_can_be_gone_on_with(alice: Person, script: ScriptedModel) -> None:
    script.will(says("Once upon", "length"), says("a time.", "stop"))
    await alice.ask("a story")
    await ending_of(alice).get_by_role("button", name="Continue").click()
    await alice.says("a time")
    await expect(alice.answers).to_have_count(2)
    await expect(ending_of(alice)).to_have_count(0)


async def test_a_message_that_the_filter_refused_is_marked_and_can_be_changed(
    alice: Person, stack: Stack
) -> None:
    stack.model.faults.upcoming.append(ModelFault.content_filter())
    await alice.ask("something bad")
    await expect(ending_of(alice)).to_contain_text("content filter refused this message")
    mark = alice.conversation.get_by_text("so the model does not see it").filter(visible=True)
    marked = alice.conversation.locator(".message.user:has(.muted:visible)")
    await expect(marked).to_contain_text("something bad")
    await alice.page.reload()
    await expect(marked).to_be_visible()
    await alice.ask("hello")
    await alice.says("help")
    await expect(mark).to_have_count(1)


async def test_a_message_that_the_filter_refused_is_put_in_other_words_with_its_files(
    alice: Person, stack: Stack, script: ScriptedModel
) -> None:
    stack.model.faults.upcoming.append(ModelFault.content_filter())
    await alice.page.locator("#file-input").set_input_files(NOTES)
    await alice.ask("something bad")
    await ending_of(alice).get_by_role("button", name="Edit message").click()
    await alice.page.get_by_role("textbox", name="What you said").fill("something good")
    script.will(says("Milk, then."))
    await alice.page.get_by_role("button", name="Save and ask").click()
    await alice.says("Milk, then")
    own = alice.conversation.locator(".message.user")
    await expect(own).to_have_count(1)
    await expect(own.locator(".chip")).to_have_text("notes.md")
    assert "# Milk" in str(script.asked[-1].messages)
    assert "something bad" not in str(script.asked[-1].messages)


async def test_trying_again_after_a_fault_does_not_call_the_tool_again(
    alice: Person, stack: Stack, script: ScriptedModel
) -> None:
    script.will(calls("Tools-get_current_date_time", "{}"), says("It is late."))
    await alice.ask("what time is it")
    await expect(alice.call("get_current_date_time")).to_be_visible()
    stack.model.faults.upcoming.extend([ModelFault.server_error()] * 2)
    await alice.approve("get_current_date_time")
    await ending_of(alice).get_by_role("button", name="Try again").click()
    await alice.says("It is late")
    await expect(alice.calls("get_current_date_time")).to_have_count(1)


THINKING = """
async () => {
  const {Thinking} = await import("/static/js/conversation/thinking.js");
  globalThis.seconds = 100;
  globalThis.said = [];
  const thinking = new Thinking({now: () => globalThis.seconds}, (words) => globalThis.said.push(words));
  document.body.replaceChildren(thinking.start(100));
  globalThis.stopThinking = () => thinking.stop();
}
"""


async def test_a_model_that_thinks_for_long_is_said_to_be_thinking_still(modules: Page) -> None:
    await modules.evaluate(THINKING)
    shown = modules.locator(".thinking")
    await expect(shown).not_to_contain_text("still")
    for seconds, words, said in (
        (111, "The model is still thinking (11 s)", 1),
        (115, "The model is still thinking (15 s)", 1),
        (165, "The model is still thinking (1 min 5 s)", 2),
        (230, "The model is still thinking (2 min 10 s)", 3),
    ):
        await modules.evaluate("(now) => { globalThis.seconds = now; }", seconds)
        await expect(shown).to_contain_text(words)
        assert len(await modules.evaluate("globalThis.said")) == said
    assert await modules.evaluate("globalThis.said") == [
        "The model is still thinking.",
        "The model has been thinking for a minute.",
        "The model has been thinking for 2 minutes.",
    ]
    await modules.evaluate("globalThis.stopThinking()")


@pytest.mark.parametrize(
    ("usage", "words"),
    [
        (None, "offline-model"),
        (
            {"prompt_tokens": 1234, "completion_tokens": 5, "total_tokens": 1239},
            "offline-model · 1,239 tokens (1,234 in, 5 out)",
        ),
    ],
)
async def test_what_is_known_of_the_usage_is_shown(
    alice: Person, script: ScriptedModel, usage: dict[str, int] | None, words: str
) -> None:
    script.will(says("Good day.", usage=usage))
    await alice.ask("hello")
    await alice.says("Good day")
    usage_words = alice.page.locator(".usage").last
    await expect(usage_words).to_be_hidden()
    await alice.page.get_by_role("button", name="Model and tokens").click()
    await expect(usage_words).to_be_visible()
    await expect(usage_words).to_have_text(words)
    await alice.page.reload()
    await expect(usage_words).to_be_visible()
    await expect(alice.page.locator("#connection")).to_have_text("")


@pytest.mark.parametrize(
    "broken",
    ['{"usage": null, "error": null, "more": {}}', '{"usage": {"prompt_tokens": null}}', "[]", "null", "{"],
)
async def test_an_odd_end_of_a_run_ends_it(
    alice: Person, script: ScriptedModel, watch: Watch, monkeypatch: pytest.MonkeyPatch, broken: str
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
    alice: Person, script: ScriptedModel, watch: Watch, monkeypatch: pytest.MonkeyPatch, broken: str
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
    alice: Person, script: ScriptedModel, watch: Watch, monkeypatch: pytest.MonkeyPatch
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
