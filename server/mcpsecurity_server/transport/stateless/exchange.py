"""One request and its answer: a result, an error, or a question that ends the request.

The handler runs in the task of the HTTP request. When it waits for an answer that has not come yet, the task
is cancelled from within, as `asyncio.timeout` does it, and what it asked becomes the result; code of the
program sees `CancelledError`, which passes `except Exception`. A client that leaves has cancelled its request
(basic/patterns).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from mcp import types
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError

from mcpsecurity_server.transport.dispatch.capabilities import MissingCapabilityError, missing_capability
from mcpsecurity_server.transport.dispatch.dispatcher import Call, Dispatcher
from mcpsecurity_server.transport.dispatch.fastmcp_adapter import RelaySession
from mcpsecurity_server.transport.http.responses import EXTRA_HEADERS, json_response
from mcpsecurity_server.transport.http.ticker import Ticker
from mcpsecurity_server.transport.identity import Owner, owner_of, token_of
from mcpsecurity_server.transport.jsonrpc import (
    INTERNAL_ERROR,
    METHOD_NOT_FOUND,
    MessageError,
    Request,
    error_body,
    result_body,
)
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import http_status, log_passes, notification, stateless_code
from mcpsecurity_server.transport.stateless.concurrency import ConcurrencyLimit
from mcpsecurity_server.transport.stateless.input_required import ASKABLE, Journal, Question
from mcpsecurity_server.transport.stateless.request_meta import NAMED, RequestMeta
from mcpsecurity_server.transport.stateless.request_state import RequestStateCodec, binding_of
from mcpsecurity_server.transport.stateless.response import AnswerStream
from mcpsecurity_server.transport.stateless.results import Results

__all__ = ["Exchange", "Outside", "Services"]

_TURNS: Final = 10
"""Turns of the event loop in which further questions join the first."""

_STUBBORN_SECONDS: Final = 1.0
"""After this, a handler that goes on although it was cancelled is cancelled again."""


@dataclass(frozen=True, slots=True)
class Services:
    """What all exchanges share. `outside` is the channel for what concerns more than one request."""

    dispatcher: Dispatcher
    results: Results
    limits: Limits
    outside: "Outside"
    calls: ConcurrencyLimit["Exchange"]
    ticker: Ticker
    codec: RequestStateCodec


class Exchange(Call):
    """The channel of one request, and its call; `body` is its text.

    Attributes:
        task: the one that handles the request, once `answer` has begun.
    """

    task: asyncio.Task[Any]

    _opened: AnswerStream | None = None
    _journal: Journal | None = None
    _said = 0
    _progress: float | None = None
    _waiting: tuple[asyncio.Future[Any], ...] = ()
    _turns: int | None = None
    _steps = 0
    _beat: asyncio.Task[None] | None = None
    _late: asyncio.Task[web.StreamResponse] | None = None
    _stopping = False
    _over = False
    _asks = False
    _timer: asyncio.TimerHandle | None = None

    def __init__(
        self,
        http: web.Request,
        request: Request,
        envelope: RequestMeta,
        body: bytes,
        services: Services,
    ) -> None:
        self.http = http
        self.token = token_of(http)
        self.session = RelaySession(services.outside, envelope.client)
        self.tool = self.outcome = None
        self._request = request
        self._envelope = envelope
        self._services = services
        self._body = body
        self._eventful = False
        """Whether there was more than the handler's work: it sent something, asked, or was stopped."""

    @property
    def owner(self) -> Owner:
        """Whose call it is; most calls are never asked."""
        return owner_of(self.token)

    @property
    def _stream(self) -> AnswerStream:
        """The way to the client; most calls have nothing to send but their answer."""
        if self._opened is None:
            self._eventful = True
            self._opened = AnswerStream(self.http, self._services.limits)
        return self._opened

    @property
    def journal(self) -> Journal:
        """What was asked, heard and done; most calls have nothing to write into it."""
        if self._journal is None:
            self._journal = Journal()
        return self._journal

    @journal.setter
    def journal(self, before: Journal) -> None:
        self._journal = before

    async def answer(self) -> web.StreamResponse:
        """Run the request in the current task and return the response.

        It is already sent if it became a stream.
        """
        task = asyncio.current_task()  # not by `running_task`: each call would call it
        if task is None:
            raise RuntimeError("requests are handled in a task")
        self.task = task
        request, services = self._request, self._services
        services.calls.acquire(self)
        if services.ticker.idle:
            services.ticker.start()
        try:
            try:
                done: dict[str, Any] = await services.dispatcher.run(request, self, self)
                if not self._eventful:
                    # What `_send` would do; most calls end here.
                    complete = services.results.complete(request.method, done)
                    return json_response(result_body(request.id, complete))
                result: dict[str, Any] | MessageError = done
            except MessageError as error:
                result = self._elicitations(error) or error
            except asyncio.CancelledError:
                if not self._stopping:
                    raise
                result = {}
            finally:
                self._over = True
                if self._eventful:
                    self._end()
            return await self._ended(result)
        finally:
            services.calls.release(self)

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send progress or a log message, unless the rounds before have sent it already."""
        if self._over or self._stopping:
            await asyncio.sleep(0)  # who only talks and hears nothing must not keep everybody else waiting
            return
        if method == "notifications/elicitation/complete":
            return
        self._said += 1
        wanted = (
            self._rises(params or {}) if method == "notifications/progress" else self._logs(method, params)
        )
        if wanted and (self._journal is None or self._said > self._journal.said):
            await self._stream.emit(notification(method, params))
            if self._stream.lost:
                self._stop()
                await asyncio.sleep(0)

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Return the client's answer; without one the request ends here, to be retried with it.

        Raises:
            MissingCapabilityError: the client cannot be asked this.
            McpError: nobody can, at this place.
        """
        if method not in ASKABLE or self._request.method not in NAMED:
            raise _error(METHOD_NOT_FOUND, f"{method} cannot be asked of the client here")
        if self._over:
            raise _error(types.CONNECTION_CLOSED, "The request has ended")
        missing = missing_capability(method, params, self._envelope.client.capabilities)
        if missing is not None:
            raise MissingCapabilityError(missing)
        question = self.journal.question(method, params)
        answer = self.journal.answer(question)
        if answer is not None:
            return answer
        return await self._suspend_for(question)

    async def close_stream(self) -> None:
        """Do nothing: a closed stream would mean that the client is gone."""

    async def step(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do `work` unless a round before has; no question ends the request in the middle of it."""
        name = self.journal.unique(f"step {name}")
        if name in self.journal.steps:
            return self.journal.steps[name]
        self._steps += 1
        try:
            done = self.journal.steps[name] = await work()
        finally:
            self._steps -= 1
            if self._turns is not None:
                self._turns = _TURNS
                self._turn()
        return done

    def _end(self) -> None:
        """Let go of everything that was for the handler."""
        if self._stopping:
            self.task.uncancel()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None  # it knows the exchange: nobody should have to look for circles
        for waiting in self._waiting:
            waiting.cancel()
        if self._beat is not None:
            self._beat.cancel()

    async def _ended(self, result: dict[str, Any] | MessageError) -> web.StreamResponse:
        """Return the response to a call that was more than its handler's work, or failed."""
        if self._late is not None:
            return await self._late
        if self._stopping and not self._asks and self._stream.gone:
            return self._stream.abandoned()
        return await self._send(result)

    async def _send(self, result: dict[str, Any] | MessageError) -> web.StreamResponse:
        request = self._request
        if self._asks and self.journal.pending:
            result = self._ask_back()
        elif isinstance(result, dict):
            result = self._services.results.complete(request.method, result)
        if isinstance(result, dict):
            status, body = 200, result_body(request.id, result)
        else:
            code = stateless_code(result.code)
            status, body = http_status(code), error_body(request.id, code, str(result), result.data)
        return await self._stream.finish(body, status) if self._opened else json_response(body, status)

    def _ask_back(self) -> dict[str, Any] | MessageError:
        limits, journal = self._services.limits, self.journal
        if journal.rounds >= limits.rounds:
            return MessageError(INTERNAL_ERROR, "The request asks too often", self._request.id)
        bound = binding_of(self.owner, self._body)
        state = self._services.codec.encode(journal.state(max(self._said, journal.said)), bound)
        if len(state) > limits.state_bytes:
            return MessageError(INTERNAL_ERROR, "The request has too much to remember", self._request.id)
        return self._services.results.input_required(list(journal.pending.values()), state)

    def _elicitations(self, error: MessageError) -> dict[str, Any] | None:
        """Turn what older revisions have as an error, -32042, into questions; a refusal ends the call."""
        required = error.__cause__
        if not isinstance(required, UrlElicitationRequiredError) or self._request.method not in NAMED:
            return None
        for elicitation in required.elicitations:
            params = elicitation.model_dump(by_alias=True, mode="json", exclude_none=True)
            missing = missing_capability("elicitation/create", params, self._envelope.client.capabilities)
            if missing is not None:
                lacking = MissingCapabilityError(missing).error
                raise MessageError(lacking.code, lacking.message, self._request.id, lacking.data)
            question = self.journal.question("elicitation/create", params)
            answer = self.journal.answer(question)
            if answer is not None and answer["action"] != "accept":
                text = f"The user did not agree: {elicitation.message}"
                return {"content": [{"type": "text", "text": text}], "isError": True}
            self.journal.pending[question.key] = question
        self._eventful = self._asks = True
        return {}

    async def _suspend_for(self, question: Question) -> Any:
        self._eventful = True
        self.journal.pending[question.key] = question
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting += (waiting,)
        if self._turns is None:
            self._turns = _TURNS
            self._turn()
        else:
            self._turns = _TURNS
        return await waiting

    def _turn(self) -> None:
        """Let further questions come, then end the request; a step that is being done comes first."""
        if self._over or self._stopping or self._turns is None:
            return
        if self._steps:
            return  # the last of them goes on here
        if self._turns > 0:
            self._turns -= 1
            asyncio.get_running_loop().call_soon(self._turn)
        else:
            self._asks = True
            self.outcome = "input_required"
            self._stop()

    def _stop(self) -> None:
        """Cancel the handler; if it goes on all the same, answer without it, and cancel it again."""
        if self._over:
            return
        self._eventful = True
        loop = asyncio.get_running_loop()
        if self._stopping:
            self.task.uncancel()
            if self._late is None and self._asks:
                self._late = loop.create_task(self._send_now(), name="mcp-late-answer")
        self._stopping = True
        self.task.cancel()
        self._timer = loop.call_later(_STUBBORN_SECONDS, self._stop, context=Context())

    async def _send_now(self) -> web.StreamResponse:
        response = await self._send({})
        response.headers.update(self.http.get(EXTRA_HEADERS, {}))
        try:
            await response.prepare(self.http)
            await response.write_eof()
        except ConnectionError:  # nobody is there to be answered
            pass
        return response

    def on_tick(self) -> None:
        """Look after the connection, as long as the request runs."""
        if self._over or self._stopping:
            return
        if self._stream.gone:
            self._stop()
            return
        loop, limits = asyncio.get_running_loop(), self._services.limits
        patience = limits.keep_alive_seconds if self._stream.opened else limits.stream_after_seconds
        if self._stream.quiet_seconds >= patience and (self._beat is None or self._beat.done()):
            self._beat = loop.create_task(self._stream.keep_alive(), name="mcp-keep-alive")

    def _logs(self, method: str, params: dict[str, Any] | None) -> bool:
        level = self._envelope.log_level
        return method != "notifications/message" or (level is not None and log_passes(level, method, params))

    def _rises(self, params: dict[str, Any]) -> bool:
        value = params["progress"]
        rises = self._progress is None or value > self._progress
        if rises:
            self._progress = value
        return rises


class Outside:
    """The channel for what belongs to no request. There is nobody to ask."""

    __slots__ = ("_changed",)

    def __init__(self, changed: Callable[[str, dict[str, Any] | None], Awaitable[None]]) -> None:
        self._changed = changed

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        await self._changed(method, params)

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:  # noqa: ARG002 - the protocol's
        raise _error(METHOD_NOT_FOUND, f"{method} cannot be asked of the client here")

    async def close_stream(self) -> None:
        """Nothing is open."""


def _error(code: int, text: str) -> McpError:
    return McpError(types.ErrorData(code=code, message=text))
