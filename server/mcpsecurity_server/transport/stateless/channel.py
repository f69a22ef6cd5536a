"""The channel of a request without a session: a question that has no answer yet ends the request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import types
from mcp.shared.exceptions import UrlElicitationRequiredError

from mcpsecurity_server.transport.dispatch.capabilities import MissingCapabilityError, missing_capability
from mcpsecurity_server.transport.dispatch.dispatcher import Call
from mcpsecurity_server.transport.jsonrpc import METHOD_NOT_FOUND, MessageError, Request
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import log_passes, mcp_error, notification
from mcpsecurity_server.transport.stateless.input_required import ASKABLE, Journal
from mcpsecurity_server.transport.stateless.request_meta import NAMED, RequestMeta
from mcpsecurity_server.transport.stateless.response import AnswerStream
from mcpsecurity_server.transport.stateless.suspension import Suspension


class InputRequiredChannel:
    """The `Channel` of one request, which `task` handles.

    Stream, journal and suspension are created on first use: most calls do without.
    """

    __slots__ = (
        "__weakref__", "_call", "_closed", "_journal", "_limits", "_meta", "_notifications", "_progress",
        "_request", "_stream", "_suspension", "_task", "plain",
    )  # fmt: skip

    def __init__(
        self,
        request: Request,
        call: Call,
        meta: RequestMeta,
        journal: Journal | None,
        limits: Limits,
        task: asyncio.Task[Any],
    ) -> None:
        self._request = request
        self._call = call
        self._meta = meta
        self._journal = journal
        self._limits = limits
        self._task = task
        self._stream: AnswerStream | None = None
        self._suspension: Suspension | None = None
        self._closed = False
        self._notifications = 0
        self._progress: float | None = None
        self.plain = True
        """Whether the request has neither a stream nor a suspension: it is answered with plain JSON."""

    @property
    def stream(self) -> AnswerStream:
        """The stream to the client."""
        if self._stream is None:
            self.plain = False
            self._stream = AnswerStream(self._call.http, self._limits)
        return self._stream

    @property
    def journal(self) -> Journal:
        """The questions, answers and steps of the request."""
        if self._journal is None:
            self._journal = Journal()
        return self._journal

    @property
    def suspension(self) -> Suspension:
        """The means to end the handler early."""
        if self._suspension is None:
            self.plain = False
            self._suspension = Suspension(self._task, self._call)
        return self._suspension

    @property
    def begun(self) -> bool:
        """Whether the client has got something, so that the request can no longer be refused."""
        return self.suspended or (self._stream is not None and self._stream.begun)

    @property
    def suspended(self) -> bool:
        """Whether the handler was cancelled."""
        return self._suspension is not None and self._suspension.cancelled

    @property
    def asking(self) -> bool:
        """Whether the request ends with questions to its client."""
        return self._suspension is not None and self._suspension.asking

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send progress or a log message, unless an earlier round of the request has sent it."""
        if self._closed or self.suspended:
            await asyncio.sleep(0)  # a tool that does nothing but send must not block the event loop
            return
        if method == "notifications/elicitation/complete":
            return
        self._notifications += 1
        if not self._is_wanted(method, params or {}):
            return
        if self._journal is None or self._notifications > self._journal.notified:
            await self.stream.emit(notification(method, params))
            if self.stream.lost and not self._closed:
                self.suspension.cancel()
                await asyncio.sleep(0)

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Return the client's answer; without one the request ends here, to be retried with the answer.

        Raises:
            MissingCapabilityError: the client lacks the capability.
            McpError: this request cannot ask, or has ended.
        """
        if method not in ASKABLE or self._request.method not in NAMED:
            raise mcp_error(METHOD_NOT_FOUND, f"{method} cannot be asked of the client here")
        if self._closed:
            raise mcp_error(types.CONNECTION_CLOSED, "The request has ended")
        missing = missing_capability(method, params, self._meta.client.capabilities)
        if missing is not None:
            raise MissingCapabilityError(missing)
        question = self.journal.question(method, params)
        answer = self.journal.answer(question)
        if answer is not None:
            return answer
        self.journal.pending[question.key] = question
        return await self.suspension.wait_for_answer()

    async def step(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        """Return the result of `work`, which is done in one round only; no question interrupts it."""
        name = self.journal.unique(f"step {name}")
        steps = self.journal.steps
        if name not in steps:
            steps[name] = await self.suspension.run_step(work)
        return steps[name]

    async def close_stream(self) -> None:
        """Do nothing: a client that loses the stream has cancelled the request."""

    def ask_for_pages(self, error: MessageError) -> dict[str, Any] | None:
        """Turn the error -32042 of earlier revisions into questions; None if it is another error.

        Returns the result of the request: an error of the tool if the user refused, else it is not used.
        """
        required = error.__cause__
        if not isinstance(required, UrlElicitationRequiredError) or self._request.method not in NAMED:
            return None
        for elicitation in required.elicitations:
            params = elicitation.model_dump(by_alias=True, mode="json", exclude_none=True)
            missing = missing_capability("elicitation/create", params, self._meta.client.capabilities)
            if missing is not None:
                lacking = MissingCapabilityError(missing).error
                raise MessageError(lacking.code, lacking.message, self._request.id, lacking.data)
            question = self.journal.question("elicitation/create", params)
            answer = self.journal.answer(question)
            if answer is not None and answer["action"] != "accept":
                text = f"The user did not agree: {elicitation.message}"
                return {"content": [{"type": "text", "text": text}], "isError": True}
            self.journal.pending[question.key] = question
        self.suspension.asking = True
        return {}

    def requested_state(self) -> dict[str, Any]:
        """Return the state that the retry of the request needs."""
        return self.journal.state(max(self._notifications, self.journal.notified))

    def on_tick(self) -> bool:
        """Check the connection; return whether the handler was just found to ignore its cancellation."""
        if self._closed:
            return False
        if self.suspended:
            return self.suspension.cancel_again()
        if self.stream.gone:
            self.suspension.cancel()
        else:
            self.stream.on_tick()
        return False

    def close(self) -> None:
        """Accept nothing more from the handler, which has ended."""
        self._closed = True
        if self._suspension is not None:
            self._suspension.close()
        if self._stream is not None:
            self._stream.close()

    def _is_wanted(self, method: str, params: dict[str, Any]) -> bool:
        """Tell whether the client wants a notification: progress that rises, log messages of its level."""
        if method == "notifications/progress":
            value = params["progress"]
            if self._progress is not None and value <= self._progress:
                return False
            self._progress = value
            return True
        level = self._meta.log_level
        return method != "notifications/message" or (level is not None and log_passes(level, method, params))


class OutsideChannel:
    """The `Channel` for messages outside of any request, which can only announce changes."""

    __slots__ = ("_changed",)

    def __init__(self, changed: Callable[[str, dict[str, Any] | None], Awaitable[None]]) -> None:
        self._changed = changed

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        await self._changed(method, params)

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:  # noqa: ARG002 - of the protocol
        raise mcp_error(METHOD_NOT_FOUND, f"{method} cannot be asked of the client here")

    async def close_stream(self) -> None:
        """Do nothing: no stream is open."""
