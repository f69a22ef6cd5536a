"""Where sessions are kept. What is kept is plain data, so that a store can be anywhere.

What a session has running, and who waits for its client's answers, is in `session`, where it runs.
"""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.limits import Limits

__all__ = ["InMemorySessionStore", "SessionRecord", "SessionStore"]


@dataclass(slots=True)
class SessionRecord:
    """What is known of a session in every process that serves it. Nobody but `owner` may use it."""

    id: str
    owner: Owner
    version: str
    client: bytes
    """The params of `initialize`, validated, as JSON."""
    log_level: str | None = None
    subscriptions: frozenset[str] = frozenset()


class SessionStore(Protocol):
    """Keeps sessions, and forgets those that nobody has used for the idle time."""

    async def add(self, record: SessionRecord) -> bool:
        """Keep a new session; False when there are too many."""

    async def get(self, id: str, owner: Owner) -> SessionRecord | None:  # noqa: A002 - the protocol's word
        """Return the session if it lives and belongs to `owner`; its idle time starts anew."""

    async def save(self, record: SessionRecord) -> None:
        """Keep what has changed; a session that is gone stays gone."""

    async def touch(self, id: str) -> bool:  # noqa: A002
        """Start the idle time anew because something of the session is still open; False when it is gone."""

    async def remove(self, id: str) -> bool:  # noqa: A002
        """Forget a session; False when it was gone already."""

    async def expire(self) -> list[str]:
        """Forget the sessions whose idle time is over, and return their ids. Called now and then.

        A store that does so by itself returns nothing.
        """

    def records(self) -> AsyncIterator[SessionRecord]:
        """Go through all sessions, in every process."""


class InMemorySessionStore:
    """A `SessionStore` in this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._records: dict[str, SessionRecord] = {}
        self._used: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._records)

    async def add(self, record: SessionRecord) -> bool:
        """Keep a new session; False when there are too many."""
        if len(self._records) >= self._limits.sessions:
            return False
        self._records[record.id] = record
        self._used[record.id] = time.monotonic()
        return True

    async def get(self, id: str, owner: Owner) -> SessionRecord | None:  # noqa: A002
        """Return the session if it lives and belongs to `owner`; its idle time starts anew."""
        record = self._records.get(id)
        if record is None or record.owner != owner:
            return None
        self._used[id] = time.monotonic()
        return record

    async def save(self, record: SessionRecord) -> None:
        """Keep what has changed; a session that is gone stays gone."""
        if record.id in self._records:
            self._records[record.id] = record

    async def touch(self, id: str) -> bool:  # noqa: A002
        """Start the idle time anew because something of the session is still open; False when it is gone."""
        if id not in self._records:
            return False
        self._used[id] = time.monotonic()
        return True

    async def remove(self, id: str) -> bool:  # noqa: A002
        """Forget a session; False when it was gone already."""
        self._used.pop(id, None)
        return self._records.pop(id, None) is not None

    async def expire(self) -> list[str]:
        """Forget the sessions whose idle time is over, and return their ids."""
        limit = time.monotonic() - self._limits.idle_seconds
        gone = [key for key, used in self._used.items() if used < limit]
        for key in gone:
            del self._records[key], self._used[key]
        return gone

    async def records(self) -> AsyncIterator[SessionRecord]:
        """Go through all sessions."""
        for record in list(self._records.values()):
            yield record
