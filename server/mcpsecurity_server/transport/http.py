"""The HTTP side of Streamable HTTP: POST, GET and DELETE on one path, and what each must be refused for."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web
from mcp import types
from pydantic import ValidationError

from mcpsecurity_server.transport.dispatch import Dispatcher
from mcpsecurity_server.transport.events import STANDALONE, Event, EventBus
from mcpsecurity_server.transport.exchange import Exchange, json_response
from mcpsecurity_server.transport.guard import Guard
from mcpsecurity_server.transport.identity import TOKEN_KEY, Owner, owner_of
from mcpsecurity_server.transport.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    Answer,
    Message,
    MessageError,
    Notification,
    Request,
    error_body,
    parse_body,
    read_message,
    result_body,
)
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.negotiation import (
    SUPPORTED_VERSIONS,
    accepts_both,
    accepts_stream,
    is_json,
)
from mcpsecurity_server.transport.sdk import SdkServer
from mcpsecurity_server.transport.session import Session, SessionStore
from mcpsecurity_server.transport.sse import EventConnection

__all__ = ["BeforeCall", "StreamableHttp"]

_log = logging.getLogger(__name__)

BeforeCall = Callable[[str, web.Request], None]
"""Asked before a tool runs, with its name; may raise an `aiohttp.web.HTTPException`."""

_SESSION = "Mcp-Session-Id"


class _RefusedError(Exception):
    """The request is answered with this status and JSON-RPC error instead."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        super().__init__(text)
        self.response = json_response(error_body(None, INVALID_REQUEST, text), status, headers)


class StreamableHttp:
    """Serves one FastMCP instance on one path."""

    def __init__(
        self,
        sdk: SdkServer,
        dispatcher: Dispatcher,
        store: SessionStore,
        bus: EventBus,
        guard: Guard,
        limits: Limits,
        *,
        before_call: BeforeCall | None = None,
    ) -> None:
        self._sdk = sdk
        self._dispatcher = dispatcher
        self._store = store
        self._bus = bus
        self._guard = guard
        self._limits = limits
        self._before_call = before_call
        self.stopping = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request to the path."""
        try:
            self._check_source(request)
            if request.method == "POST":
                return await self._post(request)
            if request.method == "GET":
                return await self._get(request)
            if request.method == "DELETE":
                return await self._delete(request)
            return _RefusedError(405, "Method not allowed", Allow="GET, POST, DELETE").response
        except _RefusedError as refused:
            return refused.response
        except MessageError as error:
            return json_response(error_body(error.id, error.code, str(error), error.data), 400)

    def _check_source(self, request: web.Request) -> None:
        if not self._guard.host_allowed(request):
            raise _RefusedError(421, "Misdirected request: this host name is not served")
        if not self._guard.origin_allowed(request):
            raise _RefusedError(403, "Forbidden: this origin is not allowed")
        if self.stopping:
            raise _RefusedError(503, "The server is stopping", **{"Retry-After": "1"})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        headers = request.headers
        if not is_json(headers.get("Content-Type", "")):
            raise _RefusedError(415, "Unsupported media type: Content-Type must be application/json")
        if not accepts_both(headers.get("Accept", "")):
            raise _RefusedError(
                406, "Not acceptable: Accept must list application/json and text/event-stream"
            )
        value = parse_body(await self._read(request), self._limits.json_depth)
        if isinstance(value, list):
            return await self._batch(request, value)
        message = read_message(value)
        if isinstance(message, Request):
            if message.method == "initialize":
                return await self._initialize(request, message)
            if message.method == "ping" and _SESSION not in headers:
                return json_response(result_body(message.id, {}))
        session = await self._session(request)
        return await self._take(request, session, [message], batch=False)

    async def _batch(self, request: web.Request, values: list[Any]) -> web.StreamResponse:
        session = await self._session(request)
        if session.version != "2025-03-26":
            raise MessageError(INVALID_REQUEST, "Invalid request: this revision has no batches")
        if not 0 < len(values) <= self._limits.batch_size:
            raise MessageError(
                INVALID_REQUEST, f"Invalid request: a batch has 1 to {self._limits.batch_size} messages"
            )
        messages = [read_message(value) for value in values]
        if any(isinstance(m, Request) and m.method == "initialize" for m in messages):
            raise MessageError(INVALID_REQUEST, "Invalid request: initialize cannot be in a batch")
        return await self._take(request, session, messages, batch=True)

    async def _take(
        self, http: web.Request, session: Session, messages: list[Message], *, batch: bool
    ) -> web.StreamResponse:
        requests = [message for message in messages if isinstance(message, Request)]
        self._check_requests(http, session, requests)
        for message in messages:
            if isinstance(message, Answer):
                session.answered(message)
            elif isinstance(message, Notification):
                await self._notified(session, message)
        if not requests:
            return web.Response(status=202)
        return await Exchange(session, http, self._limits).answer(requests, self._dispatcher, batch=batch)

    def _check_requests(self, http: web.Request, session: Session, requests: list[Request]) -> None:
        """Refuse before anything runs: ids in use, too much at once, and tools the caller may not use."""
        ids = [request.id for request in requests]
        for request in requests:
            if request.id in session.in_flight or ids.count(request.id) > 1:
                raise MessageError(INVALID_REQUEST, "Invalid request: this id is in use", request.id)
            name = request.params.get("name")
            if self._before_call is not None and request.method == "tools/call" and isinstance(name, str):
                self._before_call(name, http)
        if requests and len(session.in_flight) + len(requests) > self._limits.calls_per_session:
            raise _RefusedError(429, "Too many requests run in this session", **{"Retry-After": "1"})

    async def _notified(self, session: Session, message: Notification) -> None:
        if message.method == "notifications/cancelled":
            running = session.in_flight.get(message.params.get("requestId"))  # type: ignore[arg-type] # any value
            if running is not None:
                running.cancel()
            return
        await self._dispatcher.notified(message)

    async def _initialize(self, http: web.Request, request: Request) -> web.StreamResponse:
        try:
            params = types.InitializeRequestParams.model_validate(request.params)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
            raise MessageError(INVALID_PARAMS, f"Invalid params: {where}", request.id) from None
        session = Session(self._owner(http), params, self._bus, self._limits)
        result = self._sdk.initialize_result(session.version, {})
        if not await self._store.add(session):
            raise _RefusedError(503, "Too many sessions", **{"Retry-After": "60"})
        return json_response(result_body(request.id, result), headers={_SESSION: session.id})

    async def _get(self, request: web.Request) -> web.StreamResponse:
        if not accepts_stream(request.headers.get("Accept", "")):
            raise _RefusedError(406, "Not acceptable: Accept must list text/event-stream")
        session = await self._session(request)
        if session.open_streams >= self._limits.streams_per_session:
            raise _RefusedError(429, "Too many open streams in this session", **{"Retry-After": "1"})
        last = request.headers.get("Last-Event-ID")
        if last is not None:
            return await self._resume(request, session, last)
        if session.standalone().has_reader:
            raise _RefusedError(409, "Conflict: this session has an open stream already")
        first = [Event(0, b"")] if session.version >= "2025-11-25" else []
        return await self._carry(request, session, STANDALONE, first)

    async def _resume(self, request: web.Request, session: Session, last: str) -> web.StreamResponse:
        name, _, number = last.rpartition("_")
        stream = session.streams.get(name)
        if stream is None or not number.isascii() or not number.isdigit() or len(number) > 12:
            raise _RefusedError(400, "Bad request: unknown Last-Event-ID")
        return await self._carry(request, session, name, int(number))

    async def _carry(
        self, request: web.Request, session: Session, name: str, first: list[Event] | int
    ) -> web.StreamResponse:
        """Send a stream over this connection; from after an event, if `first` is its number."""
        stream = session.standalone() if name == STANDALONE else session.streams[name]
        if isinstance(first, int):
            missed = await stream.replay(first)
            if missed is None:
                raise _RefusedError(404, "These events are not kept any more")
            first = missed
        token = request.get(TOKEN_KEY)
        until = float(token.expires_at) if token is not None and token.expires_at else None
        connection = EventConnection(request, stream, self._limits, session_id=session.id, until=until)
        session.open_streams += 1
        try:
            return await connection.run(first)
        finally:
            session.open_streams -= 1
            session.touch()

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        session = await self._session(request)
        await self._store.remove(session)
        await session.close()
        return web.Response(status=200)

    async def _session(self, request: web.Request) -> Session:
        id = request.headers.get(_SESSION)  # noqa: A001 - the protocol's word
        if id is None:
            raise _RefusedError(400, "Bad request: no Mcp-Session-Id; send initialize first")
        session = await self._store.get(id, self._owner(request))
        if session is None:
            raise _RefusedError(404, "Session not found")
        version = request.headers.get("MCP-Protocol-Version")
        if version is not None and version not in SUPPORTED_VERSIONS:
            raise _RefusedError(
                400, f"Bad request: MCP-Protocol-Version is not one of {', '.join(SUPPORTED_VERSIONS)}"
            )
        session.touch()
        return session

    @staticmethod
    def _owner(request: web.Request) -> Owner:
        return owner_of(request.get(TOKEN_KEY))

    async def _read(self, request: web.Request) -> bytes:
        """Read the body; more than the limit is refused as soon as it is known."""
        limit = self._limits.body_bytes
        if (request.content_length or 0) > limit:
            raise _RefusedError(413, f"Content too large: more than {limit} bytes")
        body = await request.content.readany()
        if request.content.at_eof():
            return body
        parts, size = [body], len(body)
        async for part in request.content.iter_any():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise _RefusedError(413, f"Content too large: more than {limit} bytes")
        return b"".join(parts)


async def sweep(store: SessionStore, limits: Limits) -> None:
    """End sessions whose idle time is over, until cancelled."""
    while True:
        await asyncio.sleep(min(60.0, limits.idle_seconds / 2))
        for session in await store.expired():
            await session.close()
