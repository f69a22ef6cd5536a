"""A conversation to its stored form and back. Calls and answers that were unfinished come back as ended."""

from dataclasses import asdict
from typing import Any, NamedTuple

from mcpsecurity_webclient.chat.files import AttachedFile
from mcpsecurity_webclient.chat.locales import PersonLocale
from mcpsecurity_webclient.chat.models import ApprovalMode, QueuedMessage
from mcpsecurity_webclient.chat.notes import Note
from mcpsecurity_webclient.chat.persistence.parts import calls_from, messages_from, parts_of, turns_from
from mcpsecurity_webclient.chat.persistence.versions import forks_from, forks_state, version_parts
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.store import Conversation, Part

_UNDER_WAY = ("proposed", "approved", "running")


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
            "forks": forks_state(state.forks),
            "queue": [_queued(message) for message in state.queue],
            **state.transcript.marks(),
            **({"log": mark, "run": state.run.run_id if state.run else None} if mark else {}),
        },
        parts=[
            *parts_of(state.messages, state.calls, state.transcript.turns),
            *version_parts(state.forks),
            *(message.stored for message in state.queue if message.files),
        ],
        revision=revision,
        writer=writer,
        pinned=state.pinned,
    )


def restore(state: ConversationState, stored: Conversation) -> None:
    """Fill a state from a stored conversation."""
    state.title, state.created_at, state.updated_at = stored.title, stored.created_at, stored.updated_at
    state.pinned = stored.pinned
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
    for name, value in stored.state.get("context", {}).items():
        setattr(state.context, name, value)
    state.transcript.mark_messages(state.messages)
    state.forks = forks_from(stored.state.get("forks", ()), stored.parts)
    state.queue = _queue_from(stored)


def _queued(message: QueuedMessage) -> dict[str, Any]:
    """Return a message that waits without its files, which are a part of their own."""
    names = ("message_id", "text", "attachments", "prompt")
    return {name: getattr(message, name) for name in names}


def _queue_from(stored: Conversation) -> list[QueuedMessage]:
    files = {part.part_id: part.body["files"] for part in stored.parts if part.kind == "queued"}
    return [
        QueuedMessage(
            **message, files=tuple(AttachedFile(**file) for file in files.get(message["message_id"], ()))
        )
        for message in stored.state.get("queue", ())
    ]


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
