"""A session in this process: its running requests, open questions, and messages outside of any call."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from mcp import types

from mcpsecurity_server.transport.dispatch.capabilities import missing_capability
from mcpsecurity_server.transport.dispatch.relay_session import RelaySession
from mcpsecurity_server.transport.events.bus import STANDALONE, EventBus
from mcpsecurity_server.transport.jsonrpc import METHOD_NOT_FOUND, Answer, RequestId, parse_body, to_json
from mcpsecurity_server.transport.protocol import log_passes, mcp_error, notification
from mcpsecurity_server.transport.sessions.store import SessionRecord

Emit = Callable[[dict[str, Any]], Awaitable[None]]


class OpenStream(Protocol):
    """A connection of this process that sends a stream of the session."""

    @property
    def gone(self) -> bool:
        """Whether the client has closed the connection."""

    async def close(self) -> None:
        """End the connection; the client may come back."""


class InFlight:
    """A running request, and the task that handles it."""

    __slots__ = ("cancelled", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.cancelled = False

    def cancel(self) -> None:
        """Cancel the request, because the client asked for it or its session ends."""
        if not self.cancelled:
            self.cancelled = True
            self.task.cancel()


class Session:
    """One client's session in this process; other processes may work for the same session.

    They broadcast the client's answers and cancellations that arrive for a request of another process.
    """

    __slots__ = (
        "__weakref__", "_asked", "_bus", "_next_ask", "_prefix", "_relay", "closed", "in_flight",
        "open_streams", "record", "used",
    )  # fmt: skip

    def __init__(self, record: SessionRecord, bus: EventBus) -> None:
        self.record = record
        self.in_flight: dict[RequestId, InFlight] = {}
        self.open_streams: set[OpenStream] = set()
        self.used = time.monotonic()
        self.closed = False
        self._bus = bus
        self._relay: RelaySession | None = None
        self._asked: dict[RequestId, asyncio.Future[Any]] = {}
        self._prefix = ""
        self._next_ask = 0

    @property
    def id(self) -> str:
        """The id that the client sends."""
        return self.record.id

    @property
    def busy(self) -> bool:
        """Whether a request, a question or a stream is open here; such a session does not expire."""
        return bool(self.in_flight or self.open_streams or self._asked)

    @property
    def questions(self) -> int:
        """How many questions of this process wait for the client's answer."""
        return len(self._asked)

    @property
    def relay(self) -> RelaySession:
        """The session as tools see it."""
        if self._relay is None:
            params = types.InitializeRequestParams.model_validate_json(self.record.client)
            self._relay = RelaySession(self, params)
        return self._relay

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification that belongs to no request."""
        if not self.closed and log_passes(self.record.log_level, method, params):
            await self._emit(notification(method, params))

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask the client something that belongs to no request."""
        return await self.ask_on(self._emit, method, params)

    async def close_stream(self) -> None:
        """Detach the reader of the standalone stream; the client reconnects."""
        await self._bus.release(self.id, STANDALONE)

    async def ask_on(self, emit: Emit, method: str, params: dict[str, Any] | None) -> Any:
        """Send a request through `emit` and wait for the client's answer, which comes by POST.

        The caller sets the deadline. When the wait is cancelled, the client is notified.

        Raises:
            McpError: the client's error; it cannot be asked this; or the session has ended.
        """
        self._check_can_ask(method, params)
        id = self._new_id()  # noqa: A001 - the protocol's word
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[id] = answer
        try:
            await emit(notification(method, params) | {"id": id})
            return await answer
        except asyncio.CancelledError:
            if not self.closed:
                cancelled = {"requestId": id, "reason": "no longer needed"}
                await emit(notification("notifications/cancelled", cancelled))
            raise
        finally:
            self._asked.pop(id, None)

    async def answered(self, answer: Answer) -> None:
        """Deliver an answer to the question it is for, in this process or another; else it is dropped."""
        if not self._deliver(answer):
            await self._broadcast(
                {"answer": {"id": answer.id, "result": answer.result, "error": answer.error}}
            )

    async def cancelled(self, id: Any) -> None:  # noqa: A002 - the protocol's word
        """Cancel a request for the client; unknown ids are ignored."""
        if type(id) in (str, int) and not self._cancel(id):
            await self._broadcast({"cancel": id})

    def on_broadcast(self, message: bytes) -> None:
        """Handle a message from a process that works for this session."""
        content = parse_body(message, 1000)
        if "answer" in content:
            self._deliver(Answer(**content["answer"]))
        elif "cancel" in content:
            self._cancel(content["cancel"])
        elif "end" in content:
            self.stop()

    async def end(self) -> None:
        """End the session in every process."""
        self.stop()
        await self._broadcast({"end": True})
        await self._bus.forget(self.id)

    def shrink(self) -> None:
        """Free the objects that an idle session does not need."""
        self._relay = None

    def stop(self) -> None:
        """Cancel the requests and questions of this process. Stopping twice is safe."""
        self.closed = True
        for running in list(self.in_flight.values()):
            running.cancel()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(mcp_error(types.CONNECTION_CLOSED, "The session has ended"))

    async def _emit(self, sent: dict[str, Any]) -> None:
        await self._bus.publish(self.id, STANDALONE, to_json(sent))

    async def _broadcast(self, message: dict[str, Any]) -> None:
        await self._bus.broadcast(self.id, to_json(message))

    def _deliver(self, answer: Answer) -> bool:
        waiting = self._asked.get(answer.id)
        if waiting is None or waiting.done():
            return False
        if answer.error is None:
            waiting.set_result(answer.result)
        else:
            error = answer.error
            waiting.set_exception(mcp_error(error["code"], error["message"], error.get("data")))
        return True

    def _cancel(self, id: RequestId) -> bool:  # noqa: A002
        running = self.in_flight.get(id)
        if running is not None:
            running.cancel()
        return running is not None

    def _check_can_ask(self, method: str, params: dict[str, Any] | None) -> None:
        if self.closed:
            raise mcp_error(types.CONNECTION_CLOSED, "The session has ended")
        declared = self.relay.client_params
        missing = missing_capability(method, params, declared.capabilities if declared is not None else None)
        if missing is not None:
            raise mcp_error(METHOD_NOT_FOUND, f"The client does not support {missing}")

    def _new_id(self) -> str:
        """Return an id for a question that is unique among the session's processes and cannot be guessed."""
        self._prefix = self._prefix or secrets.token_hex(6)
        self._next_ask += 1
        return f"{self._prefix}-{self._next_ask}"
