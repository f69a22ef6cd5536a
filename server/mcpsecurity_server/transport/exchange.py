"""One POST that wants answers: plain JSON, or an event stream as soon as something else comes first."""

import asyncio
from typing import Any

from aiohttp import web
from mcp.server.auth.provider import AccessToken

from mcpsecurity_server.transport.dispatch import Call, Dispatcher
from mcpsecurity_server.transport.events import Event, EventStream
from mcpsecurity_server.transport.identity import TOKEN_KEY
from mcpsecurity_server.transport.jsonrpc import MessageError, Request, error_body, result_body, to_json
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.session import InFlight, Session, log_passes
from mcpsecurity_server.transport.sse import EventConnection

__all__ = ["Exchange", "json_response"]


class Exchange:
    """The channel of the requests in one POST. The first message that is not an answer opens the stream.

    Handlers run in the task of the HTTP request, which a disconnect does not cancel; the stream has a task of
    its own once it is opened. What is sent after the last answer goes to the session's standalone stream.
    """

    __slots__ = ("_answered", "_http", "_limits", "_session", "_stream", "_writer")

    def __init__(self, session: Session, http: web.Request, limits: Limits) -> None:
        self._session = session
        self._http = http
        self._limits = limits
        self._answered = False
        self._stream: EventStream | None = None
        self._writer: asyncio.Task[web.StreamResponse] | None = None

    async def answer(
        self, requests: list[Request], dispatcher: Dispatcher, *, batch: bool
    ) -> web.StreamResponse:
        """Run the requests and return the response, which is already sent if it became a stream."""
        token = self._http.get(TOKEN_KEY)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._limits.stream_after_seconds, self._open_in_time)
        try:
            if batch:
                answers = await self._answer_batch(requests, dispatcher, token)
            else:
                answers = [await self._answer_one(requests[0], dispatcher, token)]
            timer.cancel()
            return await self._send(answers, batch=batch)
        except BaseException:
            if self._writer is not None:
                self._writer.cancel()
            raise
        finally:
            timer.cancel()
            self._answered = True
            if self._stream is not None:
                self._stream.finish()
            self._session.touch()

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification on the call's own stream."""
        if self._answered:
            await self._session.notify(method, params)
        elif log_passes(self._session.log_level, method, params):
            message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
            await self._emit(message | ({"params": params} if params is not None else {}))

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Ask the client on the call's own stream."""
        if self._answered:
            return await self._session.ask(method, params)
        return await self._session.ask_on(self._emit, method, params)

    async def close_stream(self) -> None:
        """End the connection; the call goes on, and the client resumes with the last event id it saw."""
        if self._stream is not None:
            self._stream.detach()

    async def _answer_one(
        self, request: Request, dispatcher: Dispatcher, token: AccessToken | None
    ) -> dict[str, Any] | None:
        """Return the response to one request; None when the client has cancelled it."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in a task")
        running = self._session.in_flight[request.id] = InFlight(task)
        try:
            result = await dispatcher.run(request, Call(self._session.relay, self, token, self._http))
            if request.method == "logging/setLevel":
                self._session.log_level = request.params["level"]
            return result_body(request.id, result)
        except MessageError as error:
            return error_body(request.id, error.code, str(error), error.data)
        except asyncio.CancelledError:
            if not running.cancelled:
                raise
            task.uncancel()
            return None
        finally:
            self._session.in_flight.pop(request.id, None)

    async def _answer_batch(
        self, requests: list[Request], dispatcher: Dispatcher, token: AccessToken | None
    ) -> list[dict[str, Any] | None]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._answer_one(r, dispatcher, token)) for r in requests]
        return [task.result() for task in tasks]

    async def _send(self, answers: list[dict[str, Any] | None], *, batch: bool) -> web.StreamResponse:
        given = [answer for answer in answers if answer is not None]
        if self._stream is None and given:
            return json_response(given if batch else given[0])
        stream = self._stream or self._open()  # cancelled: a stream that ends without an answer
        for answer in given:
            await stream.send(answer)
        stream.finish()
        if self._writer is None:
            raise RuntimeError("an open stream has a writer")
        return await self._writer

    async def _emit(self, message: dict[str, Any]) -> None:
        await (self._stream or self._open()).send(message)

    def _open_in_time(self) -> None:
        """Become a stream because the call takes long. The writer task is owned by `answer`."""
        if self._stream is None and not self._answered:
            self._open()

    def _open(self) -> EventStream:
        """Turn the response into an event stream and start writing it."""
        stream = self._stream = self._session.new_stream()
        token = self._http.get(TOKEN_KEY)
        until = float(token.expires_at) if token is not None and token.expires_at else None
        connection = EventConnection(
            self._http, stream, self._limits, session_id=self._session.id, until=until
        )
        # Since 2025-11-25 a stream begins with an event that the client can resume from.
        first = [Event(0, b"")] if self._session.version >= "2025-11-25" else []
        self._writer = asyncio.get_running_loop().create_task(
            connection.run(first), name=f"mcp-stream-{stream.id}"
        )
        return stream


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON response."""
    return web.Response(body=to_json(value), status=status, headers=headers, content_type="application/json")
