"""A conversation to its stored form and back. Calls and answers that were unfinished come back as ended."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, NamedTuple

from mcpsecurity_webclient.chat.branches import Fork, Version
from mcpsecurity_webclient.chat.files import AttachedFile
from mcpsecurity_webclient.chat.locales import PersonLocale
from mcpsecurity_webclient.chat.models import ApprovalMode, QueuedMessage
from mcpsecurity_webclient.chat.notes import Note
from mcpsecurity_webclient.chat.persistence.parts import calls_from, messages_from, parts_of, turns_from
from mcpsecurity_webclient.chat.state import ConversationState
from mcpsecurity_webclient.store import Conversation, Part, PartKind

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


def forks_state(forks: Iterable[Fork]) -> list[dict[str, Any]]:
    """Return where the forks are and which of their versions are open."""
    return [{"after": fork.after, "open": fork.open, "of": len(fork.versions)} for fork in forks]


def version_parts(forks: Iterable[Fork]) -> list[Part]:
    """Return the versions that are not open, one part for each. A part is made once: its version rests."""
    parts = []
    for place, fork in enumerate(forks):
        for number, version in enumerate(fork.versions):
            if version is None:
                continue
            part_id = f"{place:04}.{number:04}"
            if version.stored is None or version.stored.part_id != part_id:
                version.stored = Part("version", part_id, _body(version))
            parts.append(version.stored)
    return parts


def forks_from(stored: Iterable[Mapping[str, Any]], parts: Iterable[Part]) -> list[Fork]:
    """Return the forks with their versions. One that is missing is empty: an older release has saved
    meanwhile, and kept only what it knows."""
    bodies = {part.part_id: part.body for part in parts if part.kind == "version"}
    forks = []
    for place, known in enumerate(stored):
        versions = [_version(bodies.get(f"{place:04}.{number:04}")) for number in range(known["of"])]
        versions[known["open"]] = None
        forks.append(Fork(known["after"], known["open"], versions))
    return forks


def _body(version: Version) -> dict[str, Any]:
    body: dict[str, list[dict[str, Any]]] = {"messages": [], "calls": [], "turns": []}
    for part in parts_of(version.messages, version.calls, version.turns):
        body[f"{part.kind}s"].append(part.body)
    return {**body, "notes": [note.to_json() for note in version.notes]}


def _version(body: dict[str, Any] | None) -> Version | None:
    kinds: tuple[PartKind, ...] = ("message", "call", "turn")
    parts = [Part(kind, "", one) for kind in kinds for one in (body or {}).get(f"{kind}s", ())]
    notes = [Note.of(note) for note in (body or {}).get("notes", ())]
    return Version(messages_from(parts), calls_from(parts), turns_from(parts), notes)
