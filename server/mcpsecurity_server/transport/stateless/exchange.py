"""One request and its response: a result, an error, or questions that end the request.

The handler runs in the task of the HTTP request. A client that disconnects has cancelled its request
(specification 2026-07-28, basic/patterns).
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from mcpsecurity_server.transport.dispatch.dispatcher import Call, Dispatcher
from mcpsecurity_server.transport.http.responses import EXTRA_HEADERS, json_response
from mcpsecurity_server.transport.http.ticker import Ticker
from mcpsecurity_server.transport.identity import CallRefusedError, Owner, owner_of
from mcpsecurity_server.transport.jsonrpc import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    MessageError,
    Request,
    error_body,
    result_body,
)
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import http_status, stateless_code
from mcpsecurity_server.transport.stateless.channel import InputRequiredChannel, OutsideChannel
from mcpsecurity_server.transport.stateless.concurrency import ConcurrencyLimit, running_task
from mcpsecurity_server.transport.stateless.input_required import Journal
from mcpsecurity_server.transport.stateless.request_meta import RequestMeta
from mcpsecurity_server.transport.stateless.request_state import RequestStateCodec, binding_of
from mcpsecurity_server.transport.stateless.results import Results


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all exchanges. `outside` is the channel for messages outside of any request."""

    dispatcher: Dispatcher
    results: Results
    limits: Limits
    outside: OutsideChannel
    calls: ConcurrencyLimit["Exchange"]
    ticker: Ticker
    codec: RequestStateCodec


class Exchange:
    """Answers one request in the current task. `body` is its text, `journal` has its rounds before."""

    __slots__ = ("_body", "_call", "_channel", "_late", "_request", "_services", "task")

    def __init__(
        self,
        request: Request,
        call: Call,
        meta: RequestMeta,
        journal: Journal | None,
        body: bytes,
        services: Services,
    ) -> None:
        self.task = running_task()
        self._request = request
        self._call = call
        self._body = body
        self._services = services
        self._channel = InputRequiredChannel(request, call, meta, journal, services.limits, self.task)
        self._late: asyncio.Task[web.StreamResponse] | None = None

    @property
    def owner(self) -> Owner:
        """Its caller."""
        return owner_of(self._call.token)

    async def answer(self) -> web.StreamResponse:
        """Run the request and return the response, which is already sent if it became a stream.

        Raises:
            RefusedError: too many requests of the caller run.
        """
        services = self._services
        services.calls.acquire(self)
        if services.ticker.idle:
            services.ticker.start()
        try:
            result = await self._run()
            if self._channel.plain and not isinstance(result, MessageError):  # as most calls end
                complete = services.results.complete(self._request.method, result)
                return json_response(result_body(self._request.id, complete))
            return await (self._late or self._respond(result))
        finally:
            services.calls.release(self)

    def on_tick(self) -> None:
        """Check the connection; answer the client if the handler goes on although it was cancelled."""
        if self._channel.on_tick() and self._channel.asking and self._late is None:
            self._late = asyncio.get_running_loop().create_task(self._respond_early(), name="mcp-late-answer")

    async def _run(self) -> dict[str, Any] | MessageError:
        channel = self._channel
        try:
            result: dict[str, Any] = await self._services.dispatcher.run(self._request, self._call, channel)
            return result
        except MessageError as error:
            return channel.ask_for_pages(error) or error
        except CallRefusedError as error:
            if not channel.begun:
                raise
            return MessageError(INVALID_REQUEST, str(error), self._request.id)
        except asyncio.CancelledError:
            if not channel.suspended:
                raise
            return {}
        finally:
            channel.close()

    async def _respond(self, result: dict[str, Any] | MessageError) -> web.StreamResponse:
        channel, request = self._channel, self._request
        if channel.asking and channel.journal.pending:
            result = self._questions()
        elif channel.suspended and channel.stream.gone:
            return channel.stream.abandoned()
        elif not isinstance(result, MessageError):
            result = self._services.results.complete(request.method, result)
        if isinstance(result, MessageError):
            code = stateless_code(result.code)
            status, body = http_status(code), error_body(request.id, code, str(result), result.data)
        else:
            status, body = 200, result_body(request.id, result)
        return json_response(body, status) if channel.plain else await channel.stream.finish(body, status)

    async def _respond_early(self) -> web.StreamResponse:
        """Respond while the handler still runs."""
        response = await self._respond({})
        response.headers.update(self._call.http.get(EXTRA_HEADERS, {}))
        try:
            await response.prepare(self._call.http)
            await response.write_eof()
        except ConnectionError:  # the client has disconnected
            pass
        return response

    def _questions(self) -> dict[str, Any] | MessageError:
        """Return the result that asks the client for the pending answers."""
        limits, journal = self._services.limits, self._channel.journal
        if journal.rounds >= limits.rounds:
            return MessageError(INTERNAL_ERROR, "The request asks too often", self._request.id)
        state = self._services.codec.encode(
            self._channel.requested_state(), binding_of(self.owner, self._body)
        )
        if len(state) > limits.state_bytes:
            return MessageError(INTERNAL_ERROR, "The request has too much to remember", self._request.id)
        return self._services.results.input_required(list(journal.pending.values()), state)
