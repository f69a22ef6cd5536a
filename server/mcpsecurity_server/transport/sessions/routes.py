"""POST, GET and DELETE of the revisions with sessions."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from mcp import types
from mcp.server.auth.provider import AccessToken
from pydantic import ValidationError

from mcpsecurity_server.transport.dispatch.dispatcher import Dispatcher
from mcpsecurity_server.transport.events.bus import STANDALONE, EventsGoneError, StreamTakenError
from mcpsecurity_server.transport.http.responses import RefusedError, json_response
from mcpsecurity_server.transport.identity import Owner, owner_of, token_of
from mcpsecurity_server.transport.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    Answer,
    Message,
    MessageError,
    Notification,
    Request,
    read_message,
    result_body,
)
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import (
    SESSION_HEADER,
    SESSION_VERSIONS,
    VERSION_HEADER,
    has_batches,
    negotiate_version,
)
from mcpsecurity_server.transport.sessions.exchange import Exchange
from mcpsecurity_server.transport.sessions.registry import Sessions
from mcpsecurity_server.transport.sessions.session import Session
from mcpsecurity_server.transport.sessions.state import SessionState
from mcpsecurity_server.transport.sessions.streams import StreamWriter, read_event_id


class SessionProtocol:
    """Serves the revisions with `initialize` and sessions; a `ProtocolHandler` for the `Endpoint`."""

    def __init__(
        self, dispatcher: Dispatcher, sessions: Sessions, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._dispatcher = dispatcher
        self._sessions = sessions
        self._limits = limits
        self._streams = StreamWriter(sessions.bus, limits, clock)
        self._state = SessionState(sessions.store, limits)

    def handles(self, http: web.Request, value: Any) -> bool:  # noqa: ARG002
        """Handle every request: this is the last protocol that is asked."""
        return True

    async def post(
        self,
        http: web.Request,
        value: Any,
        body: bytes,  # noqa: ARG002 - nothing is sealed here
    ) -> web.StreamResponse:
        """Answer a message, or a batch of them."""
        if isinstance(value, list):
            return await self._batch(http, value)
        message = read_message(value)
        if isinstance(message, Request):
            if message.method == "initialize":
                return await self._initialize(http, message)
            if message.method == "ping" and SESSION_HEADER not in http.headers:
                return json_response(result_body(message.id, {}))
        token = token_of(http)
        session = await self._session(http, owner_of(token))
        if not isinstance(message, Request):
            await self._accept(session, message)
            return web.Response(status=202)
        if self._dispatcher.guarded:
            await self._dispatcher.check(message, http)
        self._check_id(session, message)
        self._check_room(session, 1)
        return await self._exchange(http, session, token).answer(message, self._dispatcher)

    async def get(self, http: web.Request) -> web.StreamResponse:
        """Send the session's standalone stream, or resume any of its streams."""
        session = await self._session(http, _owner(http))
        for stream in [stream for stream in session.open_streams if stream.gone]:
            await stream.close()
            session.open_streams.discard(stream)
        if len(session.open_streams) >= self._limits.streams_per_session:
            raise RefusedError(429, "Too many open streams in this session", Retry_After="1")
        last = http.headers.get("Last-Event-ID")
        if last is not None:
            return await self._resume(http, session, last)
        try:
            subscription = await self._sessions.bus.open(session.id, STANDALONE)
        except StreamTakenError:
            raise RefusedError(409, "Conflict: this session has an open stream already") from None
        return await self._streams.send(http, session, STANDALONE, subscription, primed=True)

    async def delete(self, http: web.Request) -> web.StreamResponse:
        """End the session."""
        await self._sessions.end(await self._session(http, _owner(http)))
        return web.Response(status=200)

    async def _batch(self, http: web.Request, values: list[Any]) -> web.StreamResponse:
        session = await self._session(http, _owner(http))
        if not has_batches(session.record.version):
            raise MessageError(INVALID_REQUEST, "Invalid request: this revision has no batches")
        if not 0 < len(values) <= self._limits.batch_size:
            raise MessageError(
                INVALID_REQUEST, f"Invalid request: a batch has 1 to {self._limits.batch_size} messages"
            )
        messages = [read_message(value) for value in values]
        if any(isinstance(m, Request) and m.method == "initialize" for m in messages):
            raise MessageError(INVALID_REQUEST, "Invalid request: initialize cannot be in a batch")
        return await self._answer_batch(http, session, messages)

    async def _answer_batch(
        self, http: web.Request, session: Session, messages: list[Message]
    ) -> web.StreamResponse:
        requests = [message for message in messages if isinstance(message, Request)]
        if len({(type(request.id), request.id) for request in requests}) < len(requests):
            raise MessageError(INVALID_REQUEST, "Invalid request: two requests have the same id")
        if self._dispatcher.guarded:
            for request in requests:
                await self._dispatcher.check(request, http)
        for request in requests:
            self._check_id(session, request)
        self._check_room(session, len(requests))
        for message in messages:
            if not isinstance(message, Request):
                await self._accept(session, message)
        if not requests:
            return web.Response(status=202)
        exchange = self._exchange(http, session, token_of(http))
        return await exchange.answer_batch(requests, self._dispatcher)

    def _exchange(self, http: web.Request, session: Session, token: AccessToken | None) -> Exchange:
        return Exchange(session, http, token, self._streams, self._state)

    def _check_id(self, session: Session, request: Request) -> None:
        if request.id in session.in_flight:
            raise MessageError(INVALID_REQUEST, "Invalid request: this id is in use", request.id)

    def _check_room(self, session: Session, more: int) -> None:
        if len(session.in_flight) + more > self._limits.calls_per_session:
            raise RefusedError(429, "Too many requests run in this session", Retry_After="1")

    async def _accept(self, session: Session, message: Answer | Notification) -> None:
        if isinstance(message, Answer):
            await session.answered(message)
        elif message.method == "notifications/cancelled":
            await session.cancelled(message.params.get("requestId"))
        else:
            await self._dispatcher.notified(message)

    async def _initialize(self, http: web.Request, request: Request) -> web.StreamResponse:
        try:
            params = types.InitializeRequestParams.model_validate(request.params)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
            raise MessageError(INVALID_PARAMS, f"Invalid params: {where}", request.id) from None
        client = params.model_dump_json(by_alias=True, exclude_none=True).encode()
        if len(client) > self._limits.client_bytes:
            raise MessageError(INVALID_PARAMS, "Invalid params: too long", request.id)
        version = negotiate_version(str(params.protocolVersion))
        record = await self._sessions.create(_owner(http), version, client)
        if record is None:
            raise RefusedError(503, "Too many sessions", Retry_After="60")
        result = self._dispatcher.initialize_result(version)
        return json_response(result_body(request.id, result), headers={SESSION_HEADER: record.id})

    async def _resume(self, http: web.Request, session: Session, last: str) -> web.StreamResponse:
        place = read_event_id(last)
        if place is None:
            raise RefusedError(400, "Bad request: no Last-Event-ID of this server")
        stream, after = place
        try:
            subscription = await self._sessions.bus.resume(session.id, stream, after)
        except EventsGoneError:
            raise RefusedError(410, "Gone: these events are not kept any more") from None
        return await self._streams.send(http, session, stream, subscription, primed=False)

    async def _session(self, http: web.Request, owner: Owner) -> Session:
        id = http.headers.get(SESSION_HEADER)  # noqa: A001 - the protocol's word
        if id is None:
            raise RefusedError(400, "Bad request: no Mcp-Session-Id; send initialize first")
        session = await self._sessions.find(id, owner)
        if session is None:
            raise RefusedError(404, "Session not found")
        version = http.headers.get(VERSION_HEADER)
        if version is not None and version not in SESSION_VERSIONS:
            raise RefusedError(
                400, f"Bad request: {VERSION_HEADER} is not one of {', '.join(SESSION_VERSIONS)}"
            )
        return session


def _owner(http: web.Request) -> Owner:
    return owner_of(token_of(http))
