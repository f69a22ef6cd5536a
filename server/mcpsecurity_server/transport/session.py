"""Sessions: what a client and this server share between requests, and who may use it."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from mcp import types
from mcp.shared.exceptions import McpError

from mcpsecurity_server.transport.events import STANDALONE, EventBus, EventStream
from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.jsonrpc import Answer, RequestId
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.negotiation import negotiated
from mcpsecurity_server.transport.sdk import RelaySession

__all__ = ["InFlight", "InMemorySessionStore", "Session", "SessionStore", "log_passes"]

_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

Emit = Callable[[dict[str, Any]], Awaitable[None]]


class InFlight:
    """A request that runs, and the task to cancel for it."""

    __slots__ = ("cancelled", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.cancelled = False

    def cancel(self) -> None:
        """Stop the request because the client asked for it."""
        self.cancelled = True
        self.task.cancel()


class Session:
    """One client's session. Belongs to `owner`; nobody else can find it."""

    __slots__ = (
        "_asked",
        "_bus",
        "_limits",
        "_next_ask",
        "_next_stream",
        "closed",
        "id",
        "in_flight",
        "last_used",
        "log_level",
        "open_streams",
        "owner",
        "relay",
        "streams",
        "version",
    )

    def __init__(
        self, owner: Owner, params: types.InitializeRequestParams, bus: EventBus, limits: Limits
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.owner = owner
        self.version = negotiated(str(params.protocolVersion))
        self.relay = RelaySession(self, params)
        self.log_level: str | None = None
        self.in_flight: dict[RequestId, InFlight] = {}
        self.streams: dict[str, EventStream] = {}
        self.open_streams = 0
        self.last_used = time.monotonic()
        self.closed = False
        self._bus = bus
        self._limits = limits
        self._asked: dict[RequestId, asyncio.Future[Any]] = {}
        self._next_ask = 0
        self._next_stream = 0

    @property
    def busy(self) -> bool:
        """Whether a request or a stream is open; such a session does not expire."""
        return bool(self.in_flight or self.open_streams)

    def touch(self) -> None:
        """Start the idle time anew."""
        self.last_used = time.monotonic()

    def new_stream(self) -> EventStream:
        """Return a stream for an answer. Those long finished are let go, as far as nobody can resume them."""
        self._next_stream += 1
        stream = EventStream(str(self._next_stream), self.id, self._bus, self._limits)
        self.streams[stream.id] = stream
        if len(self.streams) > self._limits.calls_per_session + self._limits.streams_per_session:
            finished = next((s for s in self.streams.values() if s.finished), None)
            if finished is not None:
                del self.streams[finished.id]
        return stream

    def standalone(self) -> EventStream:
        """Return the stream for what belongs to no request; a GET reads it."""
        stream = self.streams.get(STANDALONE)
        if stream is None:
            stream = self.streams[STANDALONE] = EventStream(STANDALONE, self.id, self._bus, self._limits)
        return stream

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification that belongs to no request."""
        if not self.closed and log_passes(self.log_level, method, params):
            await self.standalone().send(_message(method, params))

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask the client something that belongs to no request."""
        return await self.ask_on(self.standalone().send, method, params)

    async def close_stream(self) -> None:
        """Let the reader of the standalone stream go; it will come back."""
        self.standalone().detach()

    async def ask_on(self, emit: Emit, method: str, params: dict[str, Any] | None) -> Any:
        """Send a request through `emit` and wait for the client's answer, which comes by POST.

        The caller's deadline is the only one. When the wait is cancelled, the client is told.

        Raises:
            McpError: the client's error, or the session has ended.
        """
        if self.closed:
            raise _ended()
        self._next_ask += 1
        id = f"s{self._next_ask}"  # noqa: A001 - the protocol's word
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        try:
            await emit(_message(method, params) | {"id": id})
            return await answer
        except asyncio.CancelledError:
            if not self.closed:
                told = {"requestId": id, "reason": "no longer needed"}
                await emit(_message("notifications/cancelled", told))
            raise
        finally:
            self._asked.pop(id, None)

    def answered(self, answer: Answer) -> bool:
        """Hand an answer to whoever waits for it; False when nobody does."""
        waiting = self._asked.get(answer.id)
        if waiting is None or waiting.done():
            return False
        if answer.error is None:
            waiting.set_result(answer.result)
        else:
            code, text = answer.error["code"], answer.error["message"]
            error = types.ErrorData(code=code, message=text, data=answer.error.get("data"))
            waiting.set_exception(McpError(error))
        return True

    async def close(self) -> None:
        """End the session: stop what runs, end what is open. Closing twice is safe."""
        self.closed = True
        for running in list(self.in_flight.values()):
            running.cancel()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(_ended())
        for stream in self.streams.values():
            stream.finish()
        await self._bus.forget(self.id)


class SessionStore(Protocol):
    """Where sessions are found by id."""

    async def add(self, session: Session) -> bool:
        """Keep a new session; False when there are too many."""

    async def get(self, id: str, owner: Owner) -> Session | None:  # noqa: A002 - the protocol's word
        """Return the session if it lives and belongs to `owner`."""

    async def remove(self, session: Session) -> None:
        """Forget a session. It is not closed."""

    async def expired(self) -> list[Session]:
        """Remove and return the sessions whose idle time is over."""

    def __iter__(self) -> Iterator[Session]:
        """Go through the sessions of this process."""


class InMemorySessionStore:
    """A `SessionStore` in this process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    async def add(self, session: Session) -> bool:
        """Keep a new session; False when there are too many."""
        if len(self._sessions) >= self._limits.sessions:
            return False
        self._sessions[session.id] = session
        return True

    async def get(self, id: str, owner: Owner) -> Session | None:  # noqa: A002 - the protocol's word
        """Return the session if it lives and belongs to `owner`."""
        session = self._sessions.get(id)
        return session if session is not None and session.owner == owner else None

    async def remove(self, session: Session) -> None:
        """Forget a session. It is not closed."""
        self._sessions.pop(session.id, None)

    async def expired(self) -> list[Session]:
        """Remove and return the sessions whose idle time is over."""
        limit = time.monotonic() - self._limits.idle_seconds
        gone = [s for s in self._sessions.values() if s.last_used < limit and not s.busy]
        for session in gone:
            del self._sessions[session.id]
        return gone


def log_passes(level: str | None, method: str, params: dict[str, Any] | None) -> bool:
    """Tell whether a notification may go out: log messages below the client's level may not."""
    if level is None or method != "notifications/message" or params is None:
        return True
    return _LEVELS.index(str(params["level"])) >= _LEVELS.index(level)


def _message(method: str, params: dict[str, Any] | None) -> dict[str, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    return message


def _ended() -> McpError:
    return McpError(types.ErrorData(code=types.CONNECTION_CLOSED, message="The session has ended"))
