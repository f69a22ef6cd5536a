"""Signed-in sessions, kept on the server. The cookie is a random name for one and nothing else."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import web
from aiohttp_session import AbstractStorage, Session

_MAX_SESSIONS = 10_000


@dataclass(slots=True)
class SessionRecord:
    """The data of a session; times are seconds since 1970."""

    data: dict[str, Any]
    created: float
    used: float


class SessionStore(Protocol):
    """Stores the sessions of signed-in people, by the value of their cookie."""

    async def get(self, key: str) -> SessionRecord | None:
        """Return a live session, and restart its idle time."""

    async def put(self, key: str, record: SessionRecord) -> None:
        """Keep a session."""

    async def drop(self, key: str) -> None:
        """End a session."""

    async def end(self, sid: str) -> None:
        """Let other replicas know that a session has ended."""

    async def sweep(self) -> list[SessionRecord]:
        """Drop and return the sessions whose time is over."""


class InMemorySessionStore:
    """A `SessionStore` in this process. `idle` and `lifetime` are in seconds; of more than 10,000
    sessions the longest unused one gives way."""

    def __init__(
        self,
        *,
        idle: float,
        lifetime: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._idle = idle
        self._lifetime = lifetime
        self._clock = clock
        self._records: dict[str, SessionRecord] = {}
        self._displaced: list[SessionRecord] = []

    def __len__(self) -> int:
        return len(self._records)

    async def get(self, key: str) -> SessionRecord | None:
        """Return a live session, and restart its idle time."""
        record = self._records.get(key)
        if record is None or self._over(record):
            return None
        record.used = self._clock()
        return record

    async def put(self, key: str, record: SessionRecord) -> None:
        """Keep a session; with too many, the longest unused one gives way."""
        if key not in self._records and len(self._records) >= _MAX_SESSIONS:
            idle = min(self._records, key=lambda k: self._records[k].used)
            self._displaced.append(self._records.pop(idle))
        self._records[key] = record

    async def drop(self, key: str) -> None:
        """End a session. One whose time was over is still told by the next sweep."""
        record = self._records.pop(key, None)
        if record is not None and self._over(record):
            self._displaced.append(record)

    async def end(self, sid: str) -> None:
        """Do nothing: there is no other replica."""

    async def sweep(self) -> list[SessionRecord]:
        """Drop and return the sessions whose time is over."""
        over = [key for key, record in self._records.items() if self._over(record)]
        ended, self._displaced = self._displaced, []
        return [*ended, *(self._records.pop(key) for key in over)]

    def _over(self, record: SessionRecord) -> bool:
        now = self._clock()
        return now - record.used > self._idle or now - record.created > self._lifetime


class ServerSideStorage(AbstractStorage):
    """Joins `aiohttp_session` to a `SessionStore`."""

    def __init__(self, store: SessionStore, *, secure: bool, clock: Callable[[], float] = time.time) -> None:
        # A cookie of the __Host- kind is bound to this very host and to https.
        name = "__Host-mcpsecurity" if secure else "mcpsecurity_session"
        super().__init__(cookie_name=name, httponly=True, samesite="Lax", secure=secure, path="/")
        self._store = store
        self._clock = clock

    async def load_session(self, request: web.Request) -> Session:
        """Return the request's session, a new one if it has none that lives."""
        key = self.load_cookie(request)
        record = await self._store.get(key) if key else None
        if key is None or record is None:
            return Session(None, data=None, new=True)
        data: Any = {"created": int(record.created), "session": record.data}
        return Session(key, data=data, new=False)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Keep what changed. A session without an identity gets a new key; the old one dies with it."""
        old = self.load_cookie(request)
        if session.empty:
            if old:
                await self._store.drop(old)
                self._take_cookie(response)
            return
        key = session.identity
        if key is None:
            if old:
                await self._store.drop(old)
            key = secrets.token_urlsafe(32)
            self.save_cookie(response, key)
        record = await self._store.get(key)
        now = self._clock()
        created = record.created if record else now
        await self._store.put(key, SessionRecord(dict(session), created, now))

    def _take_cookie(self, response: web.StreamResponse) -> None:
        """Delete the cookie; one of the __Host- kind is given up only to a header with its own flags."""
        secure = self.cookie_params["secure"]
        response.del_cookie(self.cookie_name, path="/", secure=secure, httponly=True, samesite="Lax")
