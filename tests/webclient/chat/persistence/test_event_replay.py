"""A conversation from the store is brought to where its last event left it, or is known to be out of step."""

from typing import Any

import pytest
from semantic_kernel.contents import AuthorRole, ChatHistory, ChatMessageContent, FunctionCallContent

from mcpsecurity.kernel.context.turns import is_left_out
from mcpsecurity.runtime.exact_decimals import dumps, loads
from mcpsecurity_webclient.chat.events import ChatEvent
from mcpsecurity_webclient.chat.history import result_of
from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall, User
from mcpsecurity_webclient.chat.persistence.event_replay import EventReplayer
from mcpsecurity_webclient.chat.persistence.serialization import UnderWay
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.chat.transcript import Transcript
from mcpsecurity_webclient.errors import ReplayMismatchError


class Kept:
    """A conversation as it was kept: a person's message, a call that was proposed, and an answer before."""

    def __init__(self) -> None:
        self.state = ConversationState(
            chat_id="chat",
            user=User("Alice", "alice"),
            model="m",
            created_at=0.0,
            updated_at=0.0,
            title="Before",
            grants={("s", "pay"): "1", ("s", "look"): "2"},
            transcript=Transcript(ChatHistory(messages=[])),
        )
        self.state.calls["c"] = PendingFunctionCall(
            call_id="c", batch_id="b", message_id="m", server="s", tool="pay", function="s-pay", title="Pay",
            description="", arguments={}, input_schema={}, expires_at=1.0,
        )  # fmt: skip
        self.messages = self.state.messages = [
            Message(message_id="u", role="user", text="Please pay"),
            Message(message_id="m", role="assistant", text="I will", calls=["c"], finish_reason="tool_calls"),
        ]
        self.turns = [ChatMessageContent(role=AuthorRole.USER, content="Please pay")]
        self.turns.append(ChatMessageContent(role=AuthorRole.ASSISTANT, content="I will"))
        self.told: list[tuple[str, str | None, dict[str, Any]]] = []

    def goes_on(self, *events: tuple[str, dict[str, Any]], unfinished: str | None = None) -> list[str]:
        """Apply events, end what was under way, and return the names of what pages are told."""
        transcript = self.state.transcript
        transcript.restore(self.turns, {"question": 0, "asked": 1})
        self.turns = transcript.turns
        replayer = EventReplayer(self.state, UnderWay(unfinished, ["c"]), "r")
        for number, (name, payload) in enumerate(events, 1):
            replayer.apply(ChatEvent("e", number, name, dumps(payload)))
        replayer.end(lambda *told: self.told.append(told), goes_on=False)
        return [name for name, _, _ in self.told]


def delta(text: str, offset: int, message_id: str = "n") -> tuple[str, dict[str, Any]]:
    return "message.delta", {"message_id": message_id, "offset": offset, "text": text, "at": 1.0}


def test_what_was_shown_of_an_answer_is_kept_and_read_by_the_model() -> None:
    kept = Kept()
    told = kept.goes_on(delta("Hel", 0), delta("lo", 3), ("servers.changed", {"servers": []}))
    assert told == ["message.done", "run.done"]
    assert (kept.messages[-1].text, kept.messages[-1].finish_reason) == ("Hello", "stopped")
    assert [str(turn) for turn in kept.turns] == ["Please pay", "I will", "Hello"]
    assert kept.told[-1][2]["error"]["code"] == "interrupted"
    assert {run for _, run, _ in kept.told} == {"r"}


def test_an_answer_that_came_to_its_end_is_whole() -> None:
    kept = Kept()
    done = Message(message_id="n", role="assistant", text="Hello", html="<p>Hello</p>", finish_reason="stop")
    told = kept.goes_on(delta("Hel", 0), ("message.done", {"message": done.to_json()}), ("run.done", {}))
    assert told == []
    assert (kept.messages[-1].text, kept.messages[-1].finish_reason) == ("Hello", "stop")
    assert str(kept.turns[-1]) == "Hello"


def test_text_that_was_kept_in_part_is_not_doubled() -> None:
    kept = Kept()
    kept.messages.append(Message(message_id="n", role="assistant", text="Hello", finish_reason="stopped"))
    kept.goes_on(delta("lo, you", 3), unfinished="n")
    assert kept.messages[-1].text == "Hello, you"
    assert str(kept.turns[-1]) == "Hello, you"


def test_a_result_that_pages_have_seen_is_known() -> None:
    kept, content = Kept(), [{"type": "text", "text": "Paid."}]
    kept.state.calls["c"].status = "failed"  # as far as the store knows
    done = {"call_id": "c", "status": "done", "content": content, "truncated": False, "duration_ms": 5}
    done["structured"] = loads('{"paid": 1.10}')
    assert kept.goes_on(("tool.done", done)) == ["run.done"]
    assert (kept.state.calls["c"].status, kept.state.calls["c"].content) == ("done", content)
    assert dumps(kept.state.calls["c"].structured) == '{"paid": 1.10}'


def test_a_call_whose_end_pages_did_not_hear_is_ended_for_them() -> None:
    kept = Kept()
    declined = {"call_id": "c", "decision": "declined", "by": "timeout", "reason": "nobody"}
    assert kept.goes_on(("tool.decided", declined)) == ["tool.done", "run.done"]
    assert (kept.state.calls["c"].decided_by, kept.state.calls["c"].reason) == ("timeout", "nobody")
    assert kept.told[0][2]["status"] == "declined"


def test_regenerating_drops_the_answer_before() -> None:
    kept = Kept()
    started = {"run_id": "s", "trigger": "regenerate"}
    kept.goes_on(delta("An answer", 0), ("run.started", started), delta("Another", 0, "o"))
    assert [message.message_id for message in kept.messages] == ["u", "o"]
    assert [str(turn) for turn in kept.turns] == ["Please pay", "Another"]
    assert kept.state.calls == {}
    assert kept.told[-1][1] == "s"


def test_title_mode_and_what_was_revoked_are_as_pages_saw_them() -> None:
    kept = Kept()
    kept.goes_on(
        ("title.changed", {"title": "After"}),
        ("mode.changed", {"mode": "elicitation"}),
        ("grants.changed", {"grants": [{"server": "s", "tool": "look"}]}),
        ("tool.proposed", {"call": {"call_id": "c"}}),
        ("message.added", {"message": {"message_id": "u"}}),
    )
    assert (kept.state.title, kept.state.mode.value) == ("After", "elicitation")
    assert kept.state.grants == {("s", "look"): "2"}


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("message.added", {"message": {"message_id": "unknown"}}),
        ("message.left_out", {"message_id": "unknown", "reason": None}),
        ("message.delta", {"message_id": "n", "offset": 7, "text": "late", "at": 1.0}),
        ("message.done", {"message": {"message_id": "unknown", "calls": []}}),
        ("message.done", {"message": {"message_id": "m", "calls": ["unknown"]}}),
        ("tool.proposed", {"call": {"call_id": "unknown"}}),
        ("tool.decided", {"call_id": "unknown"}),
        ("tool.done", {"call_id": "unknown"}),
        ("grants.changed", {"grants": [{"server": "s", "tool": "unknown"}]}),
    ],
)
def test_an_event_of_something_that_was_not_kept_is_out_of_step(name: str, payload: dict[str, Any]) -> None:
    with pytest.raises(ReplayMismatchError, match=name):
        Kept().goes_on((name, payload))


EMPTY = Message(message_id="n", role="assistant", finish_reason="content_filter").to_json()
DELTA = delta("Hel", 0)


def test_an_answer_without_a_word_is_kept() -> None:
    kept = Kept()
    kept.goes_on(("message.done", {"message": EMPTY}), ("run.done", {}))
    assert (kept.messages[-1].message_id, kept.messages[-1].finish_reason) == ("n", "content_filter")
    assert [str(turn) for turn in kept.turns] == ["Please pay", "I will"]


def test_a_message_that_was_left_out_is_left_out_with_all_that_followed() -> None:
    kept = Kept()
    left_out = {"message_id": "u", "reason": "content_filter"}
    broken_off = Message(message_id="n", role="assistant", text="Hel", finish_reason="content_filter")
    kept.goes_on(DELTA, ("message.done", {"message": broken_off.to_json()}), ("message.left_out", left_out))
    assert kept.messages[0].left_out == "content_filter"
    assert [is_left_out(turn) for turn in kept.turns] == [True, True, True]
    kept.goes_on(("message.left_out", left_out | {"reason": None}))
    assert not any(map(is_left_out, kept.turns))


def test_an_answer_that_went_on_is_asked_to_go_on() -> None:
    kept = Kept()
    cut = Message(message_id="n", role="assistant", text="Hel", finish_reason="length").to_json()
    going_on = ("run.started", {"run_id": "s", "trigger": "continue"})
    kept.goes_on(DELTA, ("message.done", {"message": cut}), going_on, delta("lo", 0, "o"))
    assert [turn.role for turn in kept.turns[2:]] == [
        AuthorRole.ASSISTANT, AuthorRole.USER, AuthorRole.ASSISTANT,
    ]  # fmt: skip


def test_what_was_tried_again_goes_on_from_the_results_of_calls() -> None:
    kept = Kept()
    item = FunctionCallContent(id="i", name="s-pay", arguments="{}")
    kept.turns[1] = ChatMessageContent(role=AuthorRole.ASSISTANT, items=[item])
    kept.turns.append(result_of(item, "paid"))
    call = kept.state.calls["c"]
    call.item_id, call.status = "i", "done"
    again = ("run.started", {"run_id": "s", "trigger": "retry"})
    broken_off = Message(message_id="n", role="assistant", text="Hel", finish_reason="broken_off")
    kept.goes_on(DELTA, ("message.done", {"message": broken_off.to_json()}), again)
    assert [message.message_id for message in kept.messages] == ["u", "m"]
    assert [turn.role for turn in kept.turns] == [AuthorRole.USER, AuthorRole.ASSISTANT, AuthorRole.TOOL]
    call.status = "cancelled"
    kept.goes_on(again)
    assert ([message.message_id for message in kept.messages], len(kept.turns)) == (["u"], 1)


def test_the_chosen_model_and_the_models_note_are_known() -> None:
    kept = Kept()
    note = {"text": "Asked to pay.", "turns": 1, "messages": 1, "message_id": "u", "at": 2.0, "model": "m"}
    context = {"window": 8192, "used": 100, "shortened": 1, "note": note}
    gone = {"name": "other", "title": "Other", "offline": False, "images": False, "instead_of": "gone"}
    kept.goes_on(("context.changed", {"context": context}), ("model.changed", {"model": gone}))
    assert kept.state.model == "gone"
    assert [one.to_json() for one in kept.state.transcript.notes] == [note]
    kept.state.transcript.question = 1
    assert kept.state.context_json() == context


def test_a_note_of_turns_that_are_not_there_does_not_fit() -> None:
    note = {"text": "?", "turns": 9, "messages": 1, "message_id": "u", "at": 2.0}
    context = {"window": 1, "used": 1, "shortened": 0, "note": note}
    with pytest.raises(ReplayMismatchError):
        Kept().goes_on(("context.changed", {"context": context}))
