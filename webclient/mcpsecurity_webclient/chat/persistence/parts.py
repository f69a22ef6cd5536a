"""The parts of a stored conversation: messages, calls and turns to JSON and back."""

from dataclasses import fields
from typing import Any

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity.kernel.context.turns import is_left_out, leave_out
from mcpsecurity.kernel.model import PHASE, REASONING, THOUGHT
from mcpsecurity_webclient.chat.history import THOUGHT_BY, mark_message, message_of
from mcpsecurity_webclient.chat.markdown import to_html
from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.languages import marked
from mcpsecurity_webclient.store import Part

UNKNOWN = marked("It is not known whether this call was completed: the service stopped while it ran.")
_LEFT_OUT = "left_out"
_MESSAGE = "message"
_STORED = "stored"
"""Key in a turn's metadata, which itself is not stored: its part."""
_UNDER_WAY = ("proposed", "approved", "running")
_OF_MODEL = (PHASE, THOUGHT, REASONING, THOUGHT_BY)
"""What a turn has of its model's thoughts, for that model. The reasoning is there while an answer is under
way, which may go on in another process."""
_MARKS = (_LEFT_OUT, _MESSAGE, *_OF_MODEL)
_NOT_KEPT = {"html", "stable", "decision", "deciding", "limit", "recovered", "stored"}


def parts_of(
    messages: list[Message], calls: dict[str, PendingFunctionCall], turns: list[ChatMessageContent]
) -> list[Part]:
    """Return the parts to store, as copies."""
    shown = [calls[key] for message in messages for key in message.calls if key in calls]
    return [
        *(Part("message", m.message_id, _body(m), m.text) for m in messages),
        *map(_call_part, shown),
        *(_turn_part(index, turn) for index, turn in enumerate(turns)),
    ]


def messages_from(parts: list[Part]) -> list[Message]:
    """Return the messages; one that was being written is a message that was stopped."""
    messages = [Message(**_known(Message, part.body)) for part in parts if part.kind == "message"]
    for message in messages:
        if message.role == "assistant":
            message.html = to_html(message.text)
            message.finish_reason = message.finish_reason or "stopped"
    return messages


def calls_from(parts: list[Part]) -> dict[str, PendingFunctionCall]:
    """Return the calls by id. An approved one may have been made: it has failed, and is never repeated."""
    calls = [
        PendingFunctionCall(**_known(PendingFunctionCall, part.body)) for part in parts if part.kind == "call"
    ]
    for call in calls:
        if call.status in ("approved", "running"):
            call.status, call.content = "failed", [{"type": "text", "text": _(UNKNOWN)}]
    return {call.call_id: call for call in calls}


def turns_from(parts: list[Part]) -> list[ChatMessageContent]:
    """Return the turns that the model reads."""
    turns = []
    for body in (part.body for part in parts if part.kind == "turn"):
        turn = ChatMessageContent.model_validate({k: v for k, v in body.items() if k not in _MARKS})
        turn.metadata |= {name: body[name] for name in _OF_MODEL if body.get(name)}
        turns.append(turn)
        if body.get(_LEFT_OUT):
            leave_out(turns[-1:])
        if body.get(_MESSAGE):
            mark_message(turns[-1:], body[_MESSAGE])
    return turns


def _body(value: Message | PendingFunctionCall) -> dict[str, Any]:
    """Return the stored fields, without HTML, which is rendered again. A decision that is being saved
    counts."""
    names = (field.name for field in fields(value) if field.name not in _NOT_KEPT)
    body = {name: getattr(value, name) for name in names}
    if isinstance(value, PendingFunctionCall) and value.deciding is not None and value.status == "proposed":
        body |= value.deciding.changes()
    return {name: list(v) if isinstance(v, list) else v for name, v in body.items() if v is not None}


def _call_part(call: PendingFunctionCall) -> Part:
    """Return a call's part; that of a call that has ended is made once."""
    if call.status in _UNDER_WAY:
        return Part("call", call.call_id, _body(call))
    if call.stored is None:
        call.stored = Part("call", call.call_id, _body(call))
    return call.stored


def _turn_part(index: int, turn: ChatMessageContent) -> Part:
    """Return a turn's part, which is kept with the turn: only its place, its message, its reasoning and
    whether it is sent can change."""
    which = (index, is_left_out(turn), message_of(turn), REASONING in turn.metadata)
    kept = turn.metadata.get(_STORED)
    if kept is None or kept[0] != which:
        kept = turn.metadata[_STORED] = (which, Part("turn", f"{index:06}", _turn(turn)))
    part: Part = kept[1]
    return part


def _turn(turn: ChatMessageContent) -> dict[str, Any]:
    body = turn.model_dump(mode="json", exclude_none=True, exclude={"inner_content", "metadata"})
    if is_left_out(turn):
        body[_LEFT_OUT] = True
    if (message_id := message_of(turn)) is not None:
        body[_MESSAGE] = message_id
    return body | {name: turn.metadata[name] for name in _OF_MODEL if turn.metadata.get(name)}


def _known(kind: type[Message] | type[PendingFunctionCall], body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that this release knows; a later one may have written more."""
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in body.items() if name in known}
