"""The page's state is a pure function of the events: replays change nothing, gaps ask for a snapshot."""

from typing import Any

import pytest
from playwright.async_api import Page

PLAY = """
async (events) => {
  const {INITIAL, reduce} = await import("/static/js/protocol/state.js");
  return events.reduce(reduce, INITIAL);
}
"""

SNAPSHOT: dict[str, Any] = {
    "user": {"name": "Alice", "username": "alice@contoso.example"}, "servers": [], "mode": "manual",
    "model": {"name": "m", "title": "m", "offline": True, "images": False}, "models": [],
    "title": "", "messages": [], "run": None, "calls": [],
    "elicitations": [], "samplings": [], "grants": [], "seq": 0, "server_now": 1000.0,
}  # fmt: skip
CALL = {
    "call_id": "c1", "batch_id": "b1", "message_id": "m2", "server": "s", "tool": "t", "title": "T",
    "description": "", "arguments": {"a": 1}, "args_hash": "h", "input_schema": {}, "annotations": {},
    "status": "proposed", "expires_at": 1120.0,
}  # fmt: skip


def event(number: int, name: str, epoch: str = "e", /, **data: Any) -> dict[str, Any]:
    return {
        "name": name,
        "epoch": epoch,
        "seq": number,
        "data": {"at": 1000.0 + number, "run_id": "r1", **data},
    }


def user_message(text: str = "hello") -> dict[str, Any]:
    return {"message_id": "m1", "role": "user", "text": text, "calls": []}


STORY = [
    event(0, "snapshot", **SNAPSHOT),
    event(1, "message.added", message=user_message()),
    event(2, "run.started", trigger="message"),
    event(3, "tool.proposed", call=CALL),
    event(4, "tool.decided", call_id="c1", decision="approved", by="user", edited=False, arguments={"a": 1}),
    event(5, "tool.started", call_id="c1", started_at=1004.0),
    event(6, "tool.progress", call_id="c1", progress=1, total=2),
    event(7, "elicitation.requested", elicitation={"elicitation_id": "x", "call_id": "c1", "server": "s"}),
    event(8, "elicitation.resolved", elicitation_id="x", action="accept", by="user"),
    event(9, "tool.done", call_id="c1", status="done", duration_ms=5, content=[], truncated=False),
    event(10, "message.delta", message_id="m3", offset=0, text="Hi \U0001f44b ", html="<p>Hi \U0001f44b</p>"),
    event(11, "message.delta", message_id="m3", offset=5, text="Bob", html="<p>Hi \U0001f44b Bob</p>"),
    event(
        12, "message.delta", message_id="m3", offset=8, text="\n\nBye", html="<p>Bye</p>", stable="<p>Hi</p>"
    ),
    event(13, "grants.changed", grants=[{"server": "s", "tool": "t", "scope": "chat"}]),
    event(14, "title.changed", title="Greetings"),
]


async def play(page: Page, events: list[dict[str, Any]]) -> Any:
    return await page.evaluate(PLAY, events)


async def test_text_that_was_a_thought_is_replaced(modules: Page) -> None:
    reset = event(15, "message.delta", message_id="m3", offset=0, text="", html="", reset=True)
    more = event(16, "message.delta", message_id="m3", offset=0, text="Yes.", html="<p>Yes.</p>")
    message = (await play(modules, [*STORY, reset, more, more]))["messages"]["m3"]
    assert (message["text"], message["stable"], message["html"]) == ("Yes.", "", "<p>Yes.</p>")


async def test_a_story_leads_to_the_state_it_tells(modules: Page) -> None:
    state = await play(modules, STORY)
    assert state["order"] == ["m1", "m2", "m3"]
    assert state["messages"]["m3"]["text"] == "Hi \U0001f44b Bob\n\nBye"
    assert (state["messages"]["m3"]["stable"], state["messages"]["m3"]["html"]) == ("<p>Hi</p>", "<p>Bye</p>")
    assert state["messages"]["m2"]["calls"] == ["c1"]
    call = state["calls"]["c1"]
    assert (call["status"], call["decided_by"], call["duration_ms"]) == ("done", "user", 5)
    assert state["elicitations"] == {}
    assert state["outcomes"]["x"]["action"] == "accept"
    assert (state["title"], state["seq"], state["gap"]) == ("Greetings", 14, False)


async def test_events_that_come_twice_count_once(modules: Page) -> None:
    once = await play(modules, STORY)
    assert await play(modules, [STORY[0], *(e for e in STORY[1:] for _ in range(2))]) == once
    assert await play(modules, [*STORY, *STORY[3:]]) == once


async def test_a_snapshot_in_the_middle_goes_on_where_the_message_stands(modules: Page) -> None:
    unfinished = {
        "message_id": "m3",
        "role": "assistant",
        "text": "Hi \U0001f44b Bob",
        "calls": [],
        "at": 1.0,
    }
    middle = SNAPSHOT | {
        "seq": 11,
        "run": {"run_id": "r1", "status": "running", "message_id": "m3"},
        "messages": [user_message(), unfinished | {"html": "<p>Hi \U0001f44b Bob</p>", "stable": ""}],
    }
    state = await play(modules, [event(11, "snapshot", **middle), *STORY[12:]])
    assert state["messages"]["m3"]["text"] == "Hi \U0001f44b Bob\n\nBye"
    assert state["messages"]["m3"]["stable"] == "<p>Hi</p>"


async def test_a_missing_event_asks_for_a_snapshot(modules: Page) -> None:
    state = await play(modules, [*STORY[:4], *STORY[6:]])
    assert (state["gap"], state["seq"]) == (True, 3)
    assert (await play(modules, [*STORY[:4], *STORY[6:], STORY[0]]))["gap"] is False


async def test_events_of_another_epoch_ask_for_a_snapshot(modules: Page) -> None:
    state = await play(modules, [*STORY[:3], event(4, "title.changed", "f", title="no")])
    assert (state["gap"], state["title"]) == (True, "")


async def test_text_that_does_not_continue_asks_for_a_snapshot(modules: Page) -> None:
    jump = event(11, "message.delta", message_id="m3", offset=99, text="x", html="x")
    state = await play(modules, [*STORY[:11], jump])
    assert state["gap"] is True
    assert state["messages"]["m3"]["text"] == "Hi \U0001f44b "


async def test_regenerating_takes_the_last_answer_away(modules: Page) -> None:
    done = event(15, "run.done", status="failed", error={"message": "no"})
    state = await play(modules, [*STORY, done])
    assert (state["run"], state["lastRun"]["status"]) == (None, "failed")
    again = await play(modules, [*STORY, done, event(16, "run.started", trigger="regenerate", after="m1")])
    assert (again["order"], again["lastRun"]) == (["m1"], None)


async def test_asking_again_keeps_the_calls_that_were_made(modules: Page) -> None:
    state = await play(modules, [*STORY, event(15, "run.started", trigger="retry", after="m2")])
    assert (state["order"], state["run"]["trigger"]) == (["m1", "m2"], "retry")


async def test_a_message_that_is_not_sent_any_more_says_so(modules: Page) -> None:
    left_out = event(15, "message.left_out", message_id="m1", reason="content_filter")
    unknown = event(16, "message.left_out", message_id="m99", reason="content_filter")
    state = await play(modules, [*STORY, left_out, unknown])
    assert state["messages"]["m1"]["left_out"] == "content_filter"
    assert list(state["messages"]) == ["m1", "m2", "m3"]


async def test_the_model_is_asked_when_a_run_begins_and_when_its_calls_have_ended(modules: Page) -> None:
    asked = [(await play(modules, STORY[:end]))["run"]["asked_at"] for end in (3, 9, 10, 15)]
    assert asked == [1002.0, 1002.0, 1009.0, 1009.0]


async def test_a_run_that_goes_on_after_a_restart_keeps_what_is_shown_and_what_waits(modules: Page) -> None:
    before = await play(modules, STORY[:4])
    after = await play(modules, [*STORY[:4], event(4, "run.started", trigger="resume", run_id="r2")])
    assert (after["order"], after["calls"]) == (before["order"], before["calls"])
    assert (after["run"]["run_id"], after["gap"]) == ("r2", False)


async def test_a_question_that_ended_with_its_process_is_said_to_have(modules: Page) -> None:
    said = await modules.evaluate(
        """async () => {
          const {outcomeLine} = await import("/static/js/requests/outcome.js");
          const context = {serverTitle: (name) => name};
          return outcomeLine({server: "s", action: "cancel", by: "restart"}, context).element.textContent;
        }"""
    )
    assert said == "The request from s was cancelled, because the service was restarted."


async def test_a_finished_message_replaces_its_pieces(modules: Page) -> None:
    final = {"message_id": "m3", "role": "assistant", "text": "Hi", "html": "<p>Hi</p>", "calls": []}
    state = await play(modules, [*STORY, event(15, "message.done", message=final)])
    message = state["messages"]["m3"]
    assert (message["text"], message["html"], message["stable"], message["done"]) == (
        "Hi",
        "<p>Hi</p>",
        "",
        True,
    )


async def test_parts_that_did_not_change_stay_the_same_objects(modules: Page) -> None:
    same = await modules.evaluate(
        """async (events) => {
          const {INITIAL, reduce} = await import("/static/js/protocol/state.js");
          const before = events.slice(0, -1).reduce(reduce, INITIAL);
          const after = reduce(before, events.at(-1));
          return [before !== after, before.messages === after.messages, before.calls === after.calls,
                  after === reduce(after, events.at(-1))];
        }""",
        STORY,
    )
    assert same == [True, True, True, True]


ENDING = """
async (events) => {
  const {INITIAL, reduce} = await import("/static/js/protocol/state.js");
  const {endingOf} = await import("/static/js/protocol/endings.js");
  return endingOf(events.reduce(reduce, INITIAL))?.message ?? null;
}
"""
THOUGHT = "The model only thought, and gave no answer. What it thought is shown above."
ERROR = {"code": "refused", "message": "The model cannot help with that.", "retryable": False}


async def test_nothing_is_said_of_an_answer_that_is_about_to_begin(modules: Page) -> None:
    done = event(15, "run.done", status="completed")
    added = event(16, "message.added", message=user_message() | {"message_id": "m9"})
    failed = [event(17, "run.started", trigger="message"), event(18, "run.done", status="failed")]
    assert await modules.evaluate(ENDING, [*STORY, done, added]) is None
    assert await modules.evaluate(ENDING, [*STORY, done, added, *failed]) == "There was no answer."


@pytest.mark.parametrize(
    ("text", "finish", "done", "words"),
    [
        ("Hi", "stop", {}, None),
        ("Hi", "refusal", {}, "The model refused."),
        ("", "refusal", {}, "The model refused without a reason."),
        ("Hi", "length", {}, "The answer was cut off at the model's limit."),
        ("", "length", {}, "The model reached its limit before it said a word."),
        ("Hi", "content_filter", {}, "The model's content filter ended this answer."),
        ("", "content_filter", {}, "The model's content filter held back the whole answer."),
        ("Hi", "unreadable", {}, "A part of this answer could not be read."),
        ("Hi", "broken_off", {}, "This answer broke off before its end."),
        ("", "empty", {}, "The model gave no answer."),
        ("> Hm.", "empty", {}, THOUGHT),
        ("> Hm.", "empty", {"error": {"code": "model_only_thought", "message": THOUGHT}}, THOUGHT),
        ("", "stop", {}, "The model gave no answer."),
        ("Let me see", "tool_calls", {}, "The model gave no answer."),
        ("Hi", "stop", {"usage": None, "error": None}, None),
        ("Hi", "tea_time", {}, "The model ended this answer for a reason that is not known here: tea_time."),
        ("Hi", "stop", {"error": ERROR}, "The model cannot help with that."),
        ("Hi", "stop", {"status": "failed"}, "There was no answer."),
        ("Hi", "stop", {"status": "failed", "error": ERROR}, "The model cannot help with that."),
    ],
)
async def test_an_ending_is_said_in_words(
    modules: Page, text: str, finish: str, done: dict[str, Any], words: str | None
) -> None:
    answer = {"message_id": "m2", "role": "assistant", "text": text, "html": text, "finish_reason": finish}
    story = [
        *STORY[:3],
        event(3, "message.done", message=answer),
        event(4, "run.done", **{"status": "completed"} | done),
    ]
    assert await modules.evaluate(ENDING, story) == words
