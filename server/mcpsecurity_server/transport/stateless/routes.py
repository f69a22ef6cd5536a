"""POST of revision 2026-07-28, which has neither GET nor DELETE."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from mcpsecurity_server.transport.dispatch.dispatcher import Call, Dispatcher
from mcpsecurity_server.transport.dispatch.relay_session import RelaySession
from mcpsecurity_server.transport.http.responses import RefusedError, error_response, json_response
from mcpsecurity_server.transport.http.ticker import Ticker
from mcpsecurity_server.transport.identity import end_of, owner_of, token_of
from mcpsecurity_server.transport.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Answer,
    MessageError,
    Notification,
    Request,
    read_message,
    result_body,
)
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import STATELESS_VERSION, VERSION_HEADER, http_status
from mcpsecurity_server.transport.stateless.channel import OutsideChannel
from mcpsecurity_server.transport.stateless.concurrency import ConcurrencyLimit, Running
from mcpsecurity_server.transport.stateless.exchange import Exchange, Services
from mcpsecurity_server.transport.stateless.input_required import Journal
from mcpsecurity_server.transport.stateless.param_headers import ParameterHeaders
from mcpsecurity_server.transport.stateless.request_meta import (
    NAMED,
    RequestMeta,
    RequestMetaParser,
    is_stateless,
    unsupported,
)
from mcpsecurity_server.transport.stateless.request_state import (
    RequestStateCodec,
    RequestStateError,
    binding_of,
)
from mcpsecurity_server.transport.stateless.results import Caching, Results
from mcpsecurity_server.transport.stateless.subscriptions import (
    ChangeNotifier,
    SubscriptionStream,
    read_filter,
)

_log = logging.getLogger(__name__)

_DISPATCHED: Final = frozenset(
    {
        "completion/complete", "prompts/get", "prompts/list", "resources/list", "resources/read",
        "resources/templates/list", "tools/call", "tools/list",
    }
)  # fmt: skip


class StatelessProtocol:
    """Serves revision 2026-07-28; a `ProtocolHandler` for the `Endpoint`.

    Args:
        changed: called with each change that a handler announces.
        clock: gives seconds since 1970; streams end when the access token that opened them expires.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        changes: ChangeNotifier,
        codec: RequestStateCodec,
        limits: Limits,
        caching: Caching,
        *,
        changed: Callable[[str, dict[str, Any] | None], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._dispatcher = dispatcher
        self._changes = changes
        self._codec = codec
        self._limits = limits
        self._caching = caching
        self._outside = OutsideChannel(changed)
        self._clock = clock
        self._meta = RequestMetaParser()
        self._headers = ParameterHeaders()
        self._services: Services | None = None
        self._calls = ConcurrencyLimit[Exchange](limits.calls_per_caller)
        self._ticker = Ticker(self._calls.active)
        self._listens = ConcurrencyLimit[SubscriptionStream](limits.listens_per_caller)

    handles = staticmethod(is_stateless)

    async def get(self, http: web.Request) -> web.StreamResponse:
        """Refuse: this revision has no streams without a request."""
        raise RefusedError(
            405, f"Method not allowed: {http.method} is not of revision {STATELESS_VERSION}", Allow="POST"
        )

    delete = get

    def post(self, http: web.Request, value: Any, body: bytes) -> Coroutine[Any, Any, web.StreamResponse]:
        """Answer one request. Notifications are accepted and dropped: this revision defines none."""
        if isinstance(value, list):
            raise MessageError(INVALID_REQUEST, "Invalid request: this revision has no batches")
        message = read_message(value)
        if not isinstance(message, Request):
            return self._accept(http, message)
        try:
            meta = self._meta.parse(http.headers, message)
            if message.method in _DISPATCHED and not self._dispatcher.guarded:
                return self._exchange(http, message, meta, body).answer()
        except MessageError as error:
            return _refuse(error)
        return self._answer(http, message, meta, body)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receive changes, as long as the application runs."""
        await self._changes.start()
        try:
            yield
        finally:
            await self._changes.stop()

    async def drain(self, seconds: float) -> None:
        """End the streams, let running calls finish within `seconds`, and cancel the others."""
        self._changes.close()
        active: list[Running] = [*self._listens.active, *self._calls.active]
        running = {request.task for request in active}
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()

    @property
    def activity(self) -> tuple[int, int]:
        """The number of running requests, and of open streams."""
        return len(self._calls.active), len(self._listens.active)

    async def _accept(self, http: web.Request, message: Notification | Answer) -> web.StreamResponse:
        if isinstance(message, Answer):
            raise MessageError(INVALID_REQUEST, "Invalid request: this revision has no requests of servers")
        requested = http.headers.get(VERSION_HEADER, STATELESS_VERSION)
        if requested != STATELESS_VERSION:
            raise unsupported(requested)
        return web.Response(status=202)

    async def _answer(
        self, http: web.Request, request: Request, meta: RequestMeta, body: bytes
    ) -> web.StreamResponse:
        """Answer a request that has a check before it, or is not for the dispatcher."""
        try:
            if request.method in _DISPATCHED:
                await self._dispatcher.check(request, http)
                return await self._exchange(http, request, meta, body).answer()
            services = self._ready()
            if request.method == "server/discover":
                return json_response(result_body(request.id, services.results.discovered()))
            if request.method == "subscriptions/listen":
                return await self._listen(http, request, meta, services)
        except MessageError as error:
            return await _refuse(error)
        unknown = f"Method not found: {request.method[:100]}"
        return await _refuse(MessageError(METHOD_NOT_FOUND, unknown, request.id))

    def _exchange(self, http: web.Request, request: Request, meta: RequestMeta, body: bytes) -> Exchange:
        """Return the exchange that answers a request of the dispatcher."""
        params = request.params
        if meta.other:  # without the reserved keys: handlers do not see which revision called
            params["_meta"] = meta.other
        services = self._services if self._services is not None else self._ready()
        call = Call(RelaySession(services.outside, meta.client), http, token_of(http))
        if request.method == "tools/call" and type(name := params.get("name")) is str:
            call.tool = tool = self._dispatcher.tool(name)
            if tool is not None and self._headers.unmarked.get(name) is not tool.parameters:
                self._headers.check(http.headers, request, tool.parameters)
        journal = None
        if "requestState" in params or "inputResponses" in params:
            journal = self._journal(request, binding_of(owner_of(call.token), body))
        return Exchange(request, call, meta, journal, body, services)

    def _journal(self, request: Request, binding: bytes) -> Journal:
        """Return the journal of a retry, and remove it from the parameters.

        Raises:
            MessageError: the state is refused, or the parameters are malformed (-32602).
        """
        params = request.params
        responses, state = params.pop("inputResponses", None), params.pop("requestState", None)
        if (responses is None and state is None) or request.method not in NAMED:
            return Journal()
        if not isinstance(responses, dict | None):
            raise MessageError(INVALID_PARAMS, "Invalid params: inputResponses is no object", request.id)
        if state is None:
            return Journal.first(responses or {})
        try:
            return Journal.resume(self._codec.decode(state, binding), responses or {})
        except RequestStateError:
            _log.warning("%s with a requestState that is not its own, or has expired", request.method)
            raise MessageError(INVALID_PARAMS, "Invalid or expired requestState", request.id) from None

    async def _listen(
        self, http: web.Request, request: Request, meta: RequestMeta, services: Services
    ) -> web.StreamResponse:
        capabilities = services.results.discovered()["capabilities"]
        honoured = read_filter(request, capabilities, self._limits)
        token = token_of(http)
        ends = end_of(token, self._clock)
        stream = SubscriptionStream(http, owner_of(token), request, honoured, self._limits, ends)
        self._listens.acquire(stream)
        try:
            call = Call(RelaySession(services.outside, meta.client), http, token)
            for uri in stream.uris:  # a program that has to know of subscriptions has a handler
                subscribe = Request(request.id, "resources/subscribe", {"uri": uri})
                await self._dispatcher.run(subscribe, call, services.outside)
            return await self._changes.serve(stream)
        finally:
            self._listens.release(stream)

    def _ready(self) -> Services:
        """Return the services, created at the first request: then all handlers are registered."""
        if self._services is None:
            results = Results(self._dispatcher.initialize_result(STATELESS_VERSION), self._caching)
            self._services = Services(
                self._dispatcher, results, self._limits, self._outside, self._calls, self._ticker, self._codec
            )
        return self._services


async def _refuse(error: MessageError) -> web.StreamResponse:
    return error_response(error, http_status(error.code))
