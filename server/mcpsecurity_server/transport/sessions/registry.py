"""The sessions of this process, on top of the store that all processes share."""

import asyncio
import secrets
import time
from collections.abc import Iterator, Sized
from weakref import ref

from mcpsecurity_server.transport.events.bus import EventBus
from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.sessions.session import Session
from mcpsecurity_server.transport.sessions.store import SessionRecord, SessionStore

_IDLE_SECONDS = 60.0
"""A session that was idle for this long is evicted from this process."""


class Sessions:
    """Finds sessions by id and owner. Iteration gives the sessions of this process."""

    def __init__(self, store: SessionStore, bus: EventBus, limits: Limits) -> None:
        self.store = store
        self.bus = bus
        self._limits = limits
        self._here: dict[str, Session] = {}

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._here.values()))

    def __len__(self) -> int:
        """Return how many sessions there are; with a shared store, how many this process works for."""
        return len(self.store) if isinstance(self.store, Sized) else len(self._here)

    async def create(self, owner: Owner, version: str, client: bytes) -> SessionRecord | None:
        """Return a new session; None when there are too many."""
        record = SessionRecord(secrets.token_urlsafe(24), owner, version, client)
        return record if await self.store.add(record) else None

    async def find(self, id: str, owner: Owner) -> Session | None:  # noqa: A002 - the protocol's word
        """Return the session if it lives and belongs to `owner`."""
        record = await self.store.get(id, owner)
        if record is None:
            return None
        session = self._here.get(id)
        if session is None:
            session = self._here[id] = Session(record, self.bus)
            await self.bus.subscribe(id, session.on_broadcast)
        session.record = record
        session.used = time.monotonic()
        return session

    async def end(self, session: Session) -> None:
        """End a session for good."""
        await self.store.remove(session.id)
        await session.end()
        await self._drop(session)

    async def sweep(self) -> None:
        """Keep busy sessions alive, end expired ones, and evict idle ones from this process."""
        for busy in [session for session in self if session.busy]:
            if not await self.store.touch(busy.id):
                await self._drop(busy)
        for id in await self.store.expire():  # noqa: A001 - the protocol's word
            expired = self._here.get(id)
            if expired is not None:
                await self._drop(expired)
            await self.bus.forget(id)
        before = time.monotonic() - _IDLE_SECONDS
        for id in [id for id, session in self._here.items() if session.used < before]:  # noqa: A001
            await self._evict(id)

    async def run(self) -> None:
        """Sweep at regular intervals, until cancelled."""
        while True:
            await asyncio.sleep(min(60.0, self._limits.idle_seconds / 2))
            await self.sweep()

    async def drain(self, seconds: float) -> None:
        """Let running requests finish within `seconds`, cancel the others, and detach all readers.

        The sessions stay in the store: another process may continue them.
        """
        try:
            async with asyncio.timeout(seconds):
                while running := [i.task for s in self for i in s.in_flight.values()]:
                    await asyncio.wait(running)
        except TimeoutError:
            pass
        for session in self:
            session.stop()
            for stream in list(session.open_streams):
                await stream.close()

    async def _drop(self, session: Session) -> None:
        session.stop()
        self._here.pop(session.id, None)
        await self.bus.unsubscribe(session.id, session.on_broadcast)

    async def _evict(self, id: str) -> None:  # noqa: A002 - the protocol's word
        """Drop an idle session from this process, unless a tool holds it; its record stays in the store."""
        session = self._here.get(id)
        if session is None or session.busy:
            return
        session.shrink()
        del self._here[id]
        await self.bus.unsubscribe(id, session.on_broadcast)
        held, session = ref(session), None  # the last reference, unless a tool has one
        kept = held()
        if kept is not None and self._here.setdefault(id, kept) is kept:
            await self.bus.subscribe(id, kept.on_broadcast)
