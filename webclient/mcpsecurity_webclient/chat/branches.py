"""Versions of a conversation: what an edit, a deletion or another answer has replaced is kept, and can be
opened again.

A fork is a place in the conversation after which there are several versions; one of them is open. The open
one is the conversation itself; the others keep their messages, calls and turns here. A fork that lies
within a version that is not open rests until that version is opened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity_webclient.chat.models import Message, PendingFunctionCall
from mcpsecurity_webclient.chat.notes import Note
from mcpsecurity_webclient.chat.transcript import Transcript
from mcpsecurity_webclient.chat.views import ForkView
from mcpsecurity_webclient.errors import NothingToDoError, UnknownRequestError
from mcpsecurity_webclient.store import Part

MOST_VERSIONS = 50


@dataclass(slots=True)
class Version:
    """What stands after a fork in a version that is not open. `stored` is its part, once it is made."""

    messages: list[Message] = field(default_factory=list)
    calls: dict[str, PendingFunctionCall] = field(default_factory=dict)
    turns: list[ChatMessageContent] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    stored: Part | None = None


@dataclass(slots=True)
class Fork:
    """The versions after the message `after` (None: the beginning). The one at `open` is None: the
    conversation itself has it."""

    after: str | None
    open: int = 0
    versions: list[Version | None] = field(default_factory=lambda: [None])


Parts = tuple[list[Message], dict[str, PendingFunctionCall], Transcript]
"""The messages, calls and turns of a conversation, which are changed in place."""


def begin_version(forks: list[Fork], after: str | None, parts: Parts) -> Fork:
    """Keep the messages after one, and go on with an empty version there; return the fork.

    Raises:
        NothingToDoError: nothing stands there, or there are too many versions.
        UnknownRequestError: there is no such message, or its place among the turns is not known.
    """
    fork = next((known for known in forks if known.after == after), None) or Fork(after)
    if len(fork.versions) >= MOST_VERSIONS:
        raise NothingToDoError
    fork.versions[fork.open] = _taken(after, parts)
    fork.open = len(fork.versions)
    fork.versions.append(None)
    if fork not in forks:
        forks.append(fork)
    return fork


def undo_version(forks: list[Fork], fork: Fork, parts: Parts) -> None:
    """Undo `begin_version`: reopen the version before and remove the new one."""
    begun = fork.open
    open_version(fork, begun - 1, parts)
    del fork.versions[begun]
    if len(fork.versions) == 1:
        forks.remove(fork)


def open_version(fork: Fork, number: int, parts: Parts) -> None:
    """Open another version, and keep the one that was open.

    Raises:
        UnknownRequestError: there is no such version.
    """
    if not 0 <= number < len(fork.versions):
        raise UnknownRequestError
    wanted = fork.versions[number]
    if wanted is None:
        return
    fork.versions[fork.open] = _taken(fork.after, parts)
    fork.open, fork.versions[number] = number, None
    messages, calls, transcript = parts
    messages.extend(wanted.messages)
    calls.update(wanted.calls)
    transcript.turns.extend(wanted.turns)
    transcript.notes.extend(wanted.notes)
    transcript.find_question(messages)


def forks_json(forks: Iterable[Fork], messages: Sequence[Message]) -> list[ForkView]:
    """Return the forks of the open versions as the page shows them; versions are counted from 1."""
    shown = {message.message_id for message in messages}
    return [
        {"after": fork.after, "open": fork.open + 1, "of": len(fork.versions)}
        for fork in forks
        if fork.after is None or fork.after in shown
    ]


def _taken(after: str | None, parts: Parts) -> Version:
    """Remove the messages after one from the conversation."""
    messages, calls, transcript = parts
    ids = [message.message_id for message in messages]
    if after is not None and after not in ids:
        raise UnknownRequestError
    begin = ids.index(after) + 1 if after is not None else 0
    if begin == len(messages):
        return Version([], {}, *transcript.cut(len(transcript.turns), messages))
    place = transcript.place_of(messages[begin], after)
    if place is None:
        raise UnknownRequestError
    gone = messages[begin:]
    del messages[begin:]
    taken = {key: calls.pop(key) for message in gone for key in message.calls if key in calls}
    return Version(gone, taken, *transcript.cut(place, messages))
