"""The answer to one POST: plain JSON, or an event stream once a handler sends a message before its result."""

import asyncio
import secrets
import time
from typing import Any

from aiohttp import web
from mcp.server.auth.provider import AccessToken

from mcpsecurity_server.transport.dispatch.dispatcher import Call, Dispatcher
from mcpsecurity_server.transport.http.responses import json_response
from mcpsecurity_server.transport.identity import CallRefusedError
from mcpsecurity_server.transport.jsonrpc import (
    INVALID_REQUEST,
    MessageError,
    Request,
    RequestId,
    error_body,
    result_body,
    to_json,
)
from mcpsecurity_server.transport.protocol import SESSION_HEADER, has_priming, log_passes, notification
from mcpsecurity_server.transport.sessions.session import InFlight, Session
from mcpsecurity_server.transport.sessions.state import SessionState
from mcpsecurity_server.transport.sessions.streams import StreamWriter


class Exchange:
    """The channel of the requests in one POST. The first message that is not an answer opens the stream.

    Handlers run in the task of the HTTP request, which a disconnect does not cancel; an open stream has
    its own task. Messages after the last answer go to the session's standalone stream.
    """

    __slots__ = (
        "_answered", "_attached", "_http", "_ids", "_late", "_progress", "_session", "_state", "_stream",
        "_streams", "_token", "_writer",
    )  # fmt: skip

    def __init__(
        self,
        session: Session,
        http: web.Request,
        token: AccessToken | None,
        streams: StreamWriter,
        state: SessionState,
    ) -> None:
        self._session = session
        self._http = http
        self._token = token
        self._streams = streams
        self._state = state
        self._answered = False
        self._ids: tuple[RequestId, ...] = ()
        self._late = time.monotonic() + streams.limits.stream_after_seconds
        self._progress: dict[str | int, float] | None = None
        self._stream: str | None = None
        self._writer: asyncio.Task[web.StreamResponse] | None = None

    async def answer(self, request: Request, dispatcher: Dispatcher) -> web.StreamResponse:
        """Run a request and return the response, which is already sent if it became a stream."""
        self._ids = (request.id,)
        self._streams.track(self)
        try:
            answer = await self._answer_one(request, dispatcher)
            self._answered = True
            if answer is not None and self._writer is None:
                return json_response(answer)
            return await self._finish([] if answer is None else [answer])
        except BaseException:
            self._give_up()
            raise
        finally:
            self._streams.running.discard(self)

    async def answer_batch(self, requests: list[Request], dispatcher: Dispatcher) -> web.StreamResponse:
        """Run the requests at the same time, and return the response as `answer` does."""
        self._ids = tuple(request.id for request in requests)
        self._streams.track(self)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answer_one(r, dispatcher)) for r in requests]
            self._answered = True
            answers = [answer for task in tasks if (answer := task.result()) is not None]
            return json_response(answers) if answers and self._writer is None else await self._finish(answers)
        except BaseException:
            self._give_up()
            raise
        finally:
            self._streams.running.discard(self)

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification on the call's own stream; progress only if it rises, and before the answer."""
        if method == "notifications/progress" and not self._rises(params or {}):
            return
        if self._answered:
            await self._session.notify(method, params)
        elif log_passes(self._session.record.log_level, method, params):
            await self._emit(notification(method, params))

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask the client on the call's own stream."""
        if self._answered:
            return await self._session.ask(method, params)
        return await self._session.ask_on(self._emit, method, params)

    async def close_stream(self) -> None:
        """Close the connection; the call continues, and the client resumes with the last event id it got.

        Does nothing in revisions without a priming event, where the client may have no event id.
        """
        if self._answered or not has_priming(self._session.record.version):
            return
        self._open()
        await self._attached.wait()
        if self._stream is not None:
            await self._streams.bus.release(self._session.id, self._stream)

    def on_tick(self) -> None:
        """Turn the answer into a stream if the call has run for long."""
        if time.monotonic() >= self._late:
            self._open()

    async def _answer_one(self, request: Request, dispatcher: Dispatcher) -> dict[str, Any] | None:
        """Return the response to one request; None when the client has cancelled it."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in a task")
        session = self._session
        running = session.in_flight[request.id] = InFlight(task)
        try:
            result = await dispatcher.run(request, Call(session.relay, self._http, self._token), self)
            if self._state.concerns(request):
                session.record = await self._state.change(session.record, request)
            answer = result_body(request.id, result)
        except MessageError as error:
            answer = error_body(request.id, error.code, str(error), error.data)
        except CallRefusedError as error:
            if self._writer is None and len(self._ids) == 1:
                raise
            answer = error_body(request.id, INVALID_REQUEST, str(error))
        except asyncio.CancelledError:
            if not running.cancelled:
                raise
        finally:
            session.in_flight.pop(request.id, None)
        if running.cancelled:
            task.uncancel()
            return None
        return answer

    async def _finish(self, answers: list[dict[str, Any]]) -> web.StreamResponse:
        """Send the answers and end the stream."""
        if self._stream is None or self._writer is None:
            # All requests were cancelled: an empty stream, without an event id to resume from.
            return web.Response(content_type="text/event-stream", headers={SESSION_HEADER: self._session.id})
        for answer in answers:
            await self._streams.bus.publish(self._session.id, self._stream, to_json(answer))
        await self._streams.bus.publish(self._session.id, self._stream, None)
        return await self._writer

    def _give_up(self) -> None:
        self._answered = True
        if self._writer is not None:
            self._writer.cancel()

    async def _emit(self, sent: dict[str, Any]) -> None:
        self._open()
        await self._attached.wait()  # a tool that never yields would otherwise have no reader
        if self._stream is not None:
            await self._streams.bus.publish(self._session.id, self._stream, to_json(sent))

    def _open(self) -> None:
        """Turn the response into an event stream, and start to write it in a task that `answer` owns."""
        if self._stream is None:
            self._stream = secrets.token_hex(4)
            self._attached = asyncio.Event()
            self._writer = asyncio.create_task(self._write(self._stream), name=f"mcp-stream-{self._stream}")

    async def _write(self, stream: str) -> web.StreamResponse:
        try:
            await self._streams.bus.begin(self._session.id, stream, self._ids)
            subscription = await self._streams.bus.open(self._session.id, stream)
        finally:
            self._attached.set()
        return await self._streams.send(self._http, self._session, stream, subscription, primed=True)

    def _rises(self, params: dict[str, Any]) -> bool:
        """Tell whether a progress notification may go out; remembers how far each token has come."""
        if self._answered:
            return False
        seen = self._progress = self._progress if self._progress is not None else {}
        token, value = params["progressToken"], params["progress"]
        if token in seen and value <= seen[token]:
            return False
        seen[token] = value
        return True
