"""Storage of session records, which are plain data. Running requests and open questions are in `session`."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.limits import Limits


@dataclass(slots=True)
class SessionRecord:
    """The stored part of a session, the same in every process. Only `owner` may use the session."""

    id: str
    owner: Owner
    version: str
    client: bytes
    """The params of `initialize`, validated, as JSON."""
    log_level: str | None = None
    subscriptions: frozenset[str] = frozenset()


class SessionStore(Protocol):
    """Stores sessions, and drops those that were idle for too long."""

    async def add(self, record: SessionRecord) -> bool:
        """Store a new session; False when there are too many."""

    async def get(self, id: str, owner: Owner) -> SessionRecord | None:  # noqa: A002 - the protocol's word
        """Return the session if it exists and belongs to `owner`; restarts its idle time."""

    async def save(self, record: SessionRecord) -> None:
        """Store a changed record, unless the session was removed."""

    async def touch(self, id: str) -> bool:  # noqa: A002
        """Restart the idle time of a session that is in use; False when it was removed."""

    async def remove(self, id: str) -> bool:  # noqa: A002
        """Remove a session; False when it was removed already."""

    async def expire(self) -> list[str]:
        """Remove the sessions whose idle time is over, and return their ids. Called at regular intervals.

        A store whose records expire automatically returns an empty list.
        """

    def records(self) -> AsyncIterator[SessionRecord]:
        """Yield all sessions, of every process."""


class InMemorySessionStore:
    """A `SessionStore` in this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._records: dict[str, SessionRecord] = {}
        self._used: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._records)

    async def add(self, record: SessionRecord) -> bool:
        """Store a new session; False when there are too many."""
        if len(self._records) >= self._limits.sessions:
            return False
        self._records[record.id] = record
        self._used[record.id] = time.monotonic()
        return True

    async def get(self, id: str, owner: Owner) -> SessionRecord | None:  # noqa: A002
        """Return the session if it exists and belongs to `owner`; restarts its idle time."""
        record = self._records.get(id)
        if record is None or record.owner != owner:
            return None
        self._used[id] = time.monotonic()
        return record

    async def save(self, record: SessionRecord) -> None:
        """Store a changed record, unless the session was removed."""
        if record.id in self._records:
            self._records[record.id] = record

    async def touch(self, id: str) -> bool:  # noqa: A002
        """Restart the idle time of a session that is in use; False when it was removed."""
        if id not in self._records:
            return False
        self._used[id] = time.monotonic()
        return True

    async def remove(self, id: str) -> bool:  # noqa: A002
        """Remove a session; False when it was removed already."""
        self._used.pop(id, None)
        return self._records.pop(id, None) is not None

    async def expire(self) -> list[str]:
        """Remove the sessions whose idle time is over, and return their ids."""
        limit = time.monotonic() - self._limits.idle_seconds
        gone = [key for key, used in self._used.items() if used < limit]
        for key in gone:
            del self._records[key], self._used[key]
        return gone

    async def records(self) -> AsyncIterator[SessionRecord]:
        """Yield all sessions."""
        for record in list(self._records.values()):
            yield record
