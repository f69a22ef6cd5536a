"""The parts of a stored conversation, and the entries of the list of conversations."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from mcpsecurity.runtime.exact_decimals import dumps

PartKind = Literal["message", "call", "turn", "version", "queued"]


class Owner(NamedTuple):
    """The owner of a conversation: the id of the Entra tenant and the person's object id in it."""

    tenant_id: str
    user_id: str


@dataclass(frozen=True)
class Part:
    """One piece of a conversation: a message, a tool call, a turn of what the model reads, a version that
    is not open, or the files of a message that waits.

    `body` is a JSON object; `text` is the searchable text. A part does not change, so what is written
    of it is made once: a part that is saved again costs nothing.
    """

    kind: PartKind
    part_id: str
    body: dict[str, Any]
    text: str = ""

    @cached_property
    def written(self) -> str:
        """The body as JSON of ASCII characters: a database takes neither NUL nor half a surrogate pair."""
        return dumps(self.body, separators=(",", ":"), default=str)

    def digest(self, position: int) -> str:
        """Return the digest of the body at a position among the parts of its kind."""
        known: tuple[int, str] | None = vars(self).get("_digest")
        if known is None or known[0] != position:
            known = position, hashlib.sha256(f"{position} {self.written}".encode()).hexdigest()
            vars(self)["_digest"] = known
        return known[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation as it is stored; times are seconds since 1970.

    `state` is what belongs to none of the parts, a JSON object; `parts` of one kind are in order.
    `revision` is 0 before the first save, and each save makes it one more; `writer` names who saves, so that
    a save whose answer was lost can be repeated.
    """

    chat_id: str
    title: str
    created_at: float
    updated_at: float
    state: dict[str, Any]
    parts: list[Part]
    revision: int = 0
    writer: str = ""
    pinned: bool = False


class Entry(NamedTuple):
    """One line of an owner's list of conversations. `snippet` is the text around the hit of a search, if a
    message has it; `waiting` counts requests to the person; `running` tells whether an answer is being
    written."""

    chat_id: str
    title: str
    updated_at: float
    pinned: bool = False
    snippet: str = ""
    waiting: int = 0
    running: bool = False
