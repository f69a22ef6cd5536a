"""A saved conversation comes back, also with tools whose servers leave optional parts out."""

import json

from mcpsecurity.runtime.exact_decimals import ExactFloat
from mcpsecurity_webclient.chat.models import Decision, Message, PendingFunctionCall
from mcpsecurity_webclient.chat.persistence.parts import UNKNOWN, calls_from, messages_from, parts_of
from mcpsecurity_webclient.chat.tools.calls import said_of
from mcpsecurity_webclient.store import Part


def kept(call: PendingFunctionCall) -> list[Part]:
    """Return the parts of a conversation with this call, as they come back from a database."""
    message = Message(message_id="m", role="assistant", calls=[call.call_id])
    parts = parts_of([message], {call.call_id: call}, [])
    return [Part(part.kind, part.part_id, json.loads(json.dumps(part.body))) for part in parts]


def plain_call(status: str) -> PendingFunctionCall:
    """Return a call of a tool whose server gives the required parts only."""
    return PendingFunctionCall(
        call_id="c", batch_id="b", message_id="m", server="other", tool="run", function="other-run",
        title="run", description="", arguments={}, input_schema={}, annotations=None, status=status,  # type: ignore[arg-type] # one of its words
    )  # fmt: skip


def test_a_call_of_a_tool_without_annotations_comes_back() -> None:
    parts = kept(plain_call("done"))
    assert calls_from(parts)["c"] == plain_call("done")
    assert messages_from(parts)[0].calls == ["c"]


def test_a_call_that_was_made_as_the_person_changed_it_is_told_to_the_model_so_by_the_next_process() -> None:
    call = plain_call("done")
    call.content = [{"type": "text", "text": "paid"}]
    decision = Decision(True, "user", {"amount": ExactFloat("1.10")}, edited=True)
    for name, value in decision.changes().items():
        setattr(call, name, value)
    call.status = "done"
    told = 'The person changed the arguments of this call; it was made with {"amount":1.10}.\npaid'
    assert said_of(call) == told
    assert calls_from(kept(call))["c"].edited is True


def test_a_call_that_ran_when_the_process_ended_comes_back_with_an_unknown_outcome() -> None:
    call = calls_from(kept(plain_call("running")))["c"]
    assert (call.status, call.content) == ("failed", [{"type": "text", "text": UNKNOWN}])
