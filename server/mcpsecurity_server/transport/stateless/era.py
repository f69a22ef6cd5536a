"""POST as this revision has it; it has neither GET nor DELETE."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from mcp.server.auth.provider import AccessToken

from mcpsecurity_server.transport.dispatch import Dispatcher
from mcpsecurity_server.transport.framing.replies import RefusedError, error_response, json_response
from mcpsecurity_server.transport.identity import TOKEN_KEY, owner_of
from mcpsecurity_server.transport.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MessageError,
    Notification,
    Request,
    read_message,
    result_body,
)
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.stateless.codes import status_of
from mcpsecurity_server.transport.stateless.envelope import (
    NAMED,
    VERSION,
    VERSION_HEADER,
    Envelope,
    is_stateless,
    read_envelope,
    unsupported,
)
from mcpsecurity_server.transport.stateless.exchange import Exchange, Outside, Services, running_task
from mcpsecurity_server.transport.stateless.journal import Journal
from mcpsecurity_server.transport.stateless.listen import Changes, Listening, read_filter
from mcpsecurity_server.transport.stateless.parameters import ParameterHeaders
from mcpsecurity_server.transport.stateless.places import Places
from mcpsecurity_server.transport.stateless.results import Caching, Results
from mcpsecurity_server.transport.stateless.seal import KeyRing, StateRefusedError, bound_to_body
from mcpsecurity_server.transport.watch import Watch

__all__ = ["StatelessEra"]

_log = logging.getLogger(__name__)

_DISPATCHED: Final = frozenset(
    {
        "completion/complete",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "tools/call",
        "tools/list",
    }
)


class StatelessEra:
    """Serves revision 2026-07-28; an `Era` for the `Endpoint`.

    Args:
        changed: hears of changes that a handler announces, to tell whoever wants to know.
        clock: gives seconds since 1970; streams end when the access token that opened them expires.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        changes: Changes,
        ring: KeyRing,
        limits: Limits,
        caching: Caching,
        *,
        changed: Callable[[str, dict[str, Any] | None], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._dispatcher = dispatcher
        self._changes = changes
        self._ring = ring
        self._limits = limits
        self._caching = caching
        self._outside = Outside(changed)
        self._clock = clock
        self._headers = ParameterHeaders()
        self._services: Services | None = None
        self._watch = Watch[Exchange]()
        self._streams: set[asyncio.Task[Any]] = set()
        self._calls = Places(limits.calls_per_caller)
        self._listens = Places(limits.listens_per_caller)

    def speaks(self, http: web.Request, value: Any) -> bool:
        """Take what has this revision's `_meta` or header."""
        if http.method != "POST":
            return http.headers.get(VERSION_HEADER) == VERSION
        return is_stateless(http.headers, value)

    async def get(self, http: web.Request) -> web.StreamResponse:
        """Refuse: there is no such stream."""
        raise RefusedError(
            405, f"Method not allowed: {http.method} is not of revision {VERSION}", Allow="POST"
        )

    delete = get

    async def post(self, http: web.Request, value: Any, body: bytes) -> web.StreamResponse:
        """Answer one request. Notifications are accepted and dropped: none is defined here."""
        if isinstance(value, list):
            raise MessageError(INVALID_REQUEST, "Invalid request: this revision has no batches")
        message = read_message(value)
        if isinstance(message, Notification):
            return self._notified(http)
        if not isinstance(message, Request):
            raise MessageError(INVALID_REQUEST, "Invalid request: this revision has no requests of servers")
        try:
            envelope = read_envelope(http.headers, message)
            if message.method not in _DISPATCHED:
                return await self._answer(http, message)
            if self._dispatcher.guarded:
                await self._dispatcher.check(message, http)
            token = http.get(TOKEN_KEY)
            owner = owner_of(token)
            exchange = self._exchange(http, message, envelope, token, body)
            self._calls.take(owner)
            try:
                return await exchange.answer()
            finally:
                self._calls.give_back(owner)
        except MessageError as error:
            return error_response(error, status_of(error.code))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hear of changes, as long as the application runs."""
        await self._changes.start()
        try:
            yield
        finally:
            await self._changes.stop()

    async def drain(self, seconds: float) -> None:
        """End the streams, let running calls finish within `seconds`, and stop the others."""
        self._changes.close()
        running = self._streams.union(exchange.task for exchange in self._watch)
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()

    @property
    def activity(self) -> tuple[int, int]:
        """How many requests run and how many streams are open."""
        return len(self._watch), len(self._streams)

    def _notified(self, http: web.Request) -> web.StreamResponse:
        requested = http.headers.get(VERSION_HEADER, VERSION)
        if requested != VERSION:
            raise unsupported(requested)
        return web.Response(status=202)

    async def _answer(self, http: web.Request, request: Request) -> web.StreamResponse:
        services = self._ready()
        if request.method == "server/discover":
            return json_response(result_body(request.id, services.results.discovered()))
        if request.method == "subscriptions/listen":
            return await self._listen(http, request, services)
        raise MessageError(METHOD_NOT_FOUND, f"Method not found: {request.method[:100]}", request.id)

    def _exchange(
        self, http: web.Request, request: Request, envelope: Envelope, token: AccessToken | None, body: bytes
    ) -> Exchange:
        """Return what answers a request that is for the dispatcher."""
        params = request.params
        # Handlers do not know which revision called.
        del params["_meta"]
        if envelope.meta:
            params["_meta"] = envelope.meta
        exchange = Exchange(http, request, envelope, token, body, self._services or self._ready())
        if request.method == "tools/call":
            tool = exchange.tool = self._dispatcher.tool(params.get("name"))
            if tool is not None:
                self._headers.check(http.headers, request, tool.parameters)
        if "requestState" in params or "inputResponses" in params:
            exchange.journal = self._journal(request, bound_to_body(owner_of(token), body))
        return exchange

    def _journal(self, request: Request, bound: bytes) -> Journal:
        """Take from the parameters what the request knows of the rounds before."""
        params = request.params
        responses, state = params.pop("inputResponses", None), params.pop("requestState", None)
        if (responses is None and state is None) or request.method not in NAMED:
            return Journal()
        if not isinstance(responses, dict | None):
            raise MessageError(INVALID_PARAMS, "Invalid params: inputResponses is no object", request.id)
        if state is None:
            return Journal.first(responses or {})
        try:
            return Journal.resume(self._ring.open(state, bound), responses or {})
        except StateRefusedError:
            _log.warning("%s with a requestState that is not its own, or has expired", request.method)
            raise MessageError(INVALID_PARAMS, "Invalid or expired requestState", request.id) from None

    async def _listen(self, http: web.Request, request: Request, services: Services) -> web.StreamResponse:
        capabilities = services.results.discovered()["capabilities"]
        honoured = read_filter(request, capabilities, self._limits)
        token = http.get(TOKEN_KEY)
        ends = float("inf")
        if token is not None and token.expires_at:
            ends = time.monotonic() + float(token.expires_at) - self._clock()
        owner, task = owner_of(token), running_task()
        self._listens.take(owner)
        self._streams.add(task)
        try:
            return await self._changes.carry(Listening(http, request, honoured, self._limits, ends))
        finally:
            self._streams.discard(task)
            self._listens.give_back(owner)

    def _ready(self) -> Services:
        """Return what exchanges share. Capabilities are known once everything is registered."""
        if self._services is None:
            results = Results(self._dispatcher.initialize_result(VERSION), self._caching)
            self._services = Services(
                self._dispatcher, results, self._limits, self._outside, self._watch, self._ring
            )
        return self._services
