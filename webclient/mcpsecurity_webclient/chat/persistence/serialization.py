"""A conversation to its stored form and back. What was under way when a process ended comes back as ended."""

from dataclasses import asdict, fields
from typing import Any, NamedTuple

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity_webclient.chat.history import is_left_out, leave_out
from mcpsecurity_webclient.chat.locales import PersonLocale
from mcpsecurity_webclient.chat.markdown import to_html
from mcpsecurity_webclient.chat.models import ApprovalMode, Message, PendingFunctionCall
from mcpsecurity_webclient.chat.notes import ContextUse, Note
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.store import Conversation, Part

__all__ = [
    "UnderWay",
    "calls_from",
    "captured",
    "messages_from",
    "parts_of",
    "restore",
    "turns_from",
    "under_way",
]

UNKNOWN = "It is not known whether this call was completed: the service stopped while it ran."
_UNDER_WAY = ("proposed", "approved", "running")
_LEFT_OUT = "left_out"
_STORED = "stored"
"""Key in a turn's metadata, which itself is not stored: its part."""
_NOT_KEPT = {"html", "stable", "decision", "deciding", "limit", "recovered", "stored"}


def captured(
    state: ConversationState, revision: int, writer: str, mark: tuple[str, int] | None
) -> Conversation:
    """Return a conversation as it is stored; `mark` is the place of its last event, if events are shared."""
    return Conversation(
        chat_id=state.chat_id,
        title=state.title,
        created_at=state.created_at,
        updated_at=state.updated_at,
        state={
            "mode": state.mode.value,
            "model": state.model,
            "locale": [state.locale.language, state.locale.time_zone],
            "grants": [[*which, digest] for which, digest in sorted(state.grants.items())],
            "context": asdict(state.context),
            "notes": [note.to_json() for note in state.transcript.notes],
            "off": sorted(state.choice.off),
            "found": state.choice.found,
            **state.transcript.marks(),
            **({"log": mark, "run": state.run.run_id if state.run else None} if mark else {}),
        },
        parts=parts_of(state.messages, state.calls, state.transcript.turns),
        revision=revision,
        writer=writer,
    )


def restore(state: ConversationState, stored: Conversation) -> None:
    """Fill a state from a stored conversation."""
    state.title, state.created_at, state.updated_at = stored.title, stored.created_at, stored.updated_at
    state.messages = messages_from(stored.parts)
    state.mode = ApprovalMode(stored.state["mode"])
    state.model = stored.state.get("model")
    state.locale = PersonLocale(*stored.state.get("locale", ()))
    state.calls = calls_from(stored.parts)
    granted = [g for g in stored.state["grants"] if len(g) == 3]  # older releases stored no definition
    state.grants = {(server, tool): digest for server, tool, digest in granted}
    state.choice.off = {(server, tool) for server, tool in stored.state.get("off", ())}
    state.choice.found = [(server, tool) for server, tool in stored.state.get("found", ())]
    state.transcript.restore(turns_from(stored.parts), stored.state)
    state.transcript.notes = [Note.of(note) for note in stored.state.get("notes", ())]
    state.context = ContextUse(**stored.state.get("context", {}))


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
    """Return the calls by id. One that was approved has failed for all we know: it is never made again."""
    calls = [
        PendingFunctionCall(**_known(PendingFunctionCall, part.body)) for part in parts if part.kind == "call"
    ]
    for call in calls:
        if call.status in ("approved", "running"):
            call.status, call.content = "failed", [{"type": "text", "text": UNKNOWN}]
    return {call.call_id: call for call in calls}


class UnderWay(NamedTuple):
    """The unfinished message and the unfinished calls of a conversation when it was stored."""

    message_id: str | None
    calls: list[str]


def under_way(parts: list[Part]) -> UnderWay:
    """Return what had not ended."""
    calls = [p.part_id for p in parts if p.kind == "call" and p.body["status"] in _UNDER_WAY]
    messages = [part for part in parts if part.kind == "message"]
    writing = bool(messages) and messages[-1].body["role"] == "assistant"
    unfinished = writing and "finish_reason" not in messages[-1].body
    return UnderWay(messages[-1].part_id if unfinished else None, calls)


def turns_from(parts: list[Part]) -> list[ChatMessageContent]:
    """Return what the model reads."""
    turns = []
    for body in (part.body for part in parts if part.kind == "turn"):
        turns.append(ChatMessageContent.model_validate({k: v for k, v in body.items() if k != _LEFT_OUT}))
        if body.get(_LEFT_OUT):
            leave_out(turns[-1:])
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
    """Return a turn's part, which is kept with the turn: only its place and whether it is sent can change."""
    which = (index, is_left_out(turn))
    kept = turn.metadata.get(_STORED)
    if kept is None or kept[0] != which:
        kept = turn.metadata[_STORED] = (which, Part("turn", f"{index:06}", _turn(turn)))
    part: Part = kept[1]
    return part


def _turn(turn: ChatMessageContent) -> dict[str, Any]:
    body = turn.model_dump(mode="json", exclude_none=True, exclude={"inner_content", "metadata"})
    return body | ({_LEFT_OUT: True} if is_left_out(turn) else {})


def _known(kind: type[Message] | type[PendingFunctionCall], body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that this release knows; a later one may have written more."""
    known = {field.name for field in fields(kind)}
    return {name: value for name, value in body.items() if name in known}
