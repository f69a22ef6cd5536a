"""One process of a command that speaks MCP over its standard streams, and the calls that run in it."""

import asyncio
import contextlib
import contextvars
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import anyio
from mcp import McpError, types
from mcp.server.session import ServerSession
from mcp.shared.session import ProgressFnT
from pydantic import BaseModel, ValidationError

from mcpsecurity.client import Command, CommandError, ConcurrentSession, call_tool, command_session
from mcpsecurity.client.session import CLIENT
from mcpsecurity.client.stdio import START_SECONDS
from mcpsecurity.runtime.tasks import end_tasks

_ANSWER_SECONDS = 60.0
_CLOSED = (anyio.BrokenResourceError, anyio.ClosedResourceError)

R = TypeVar("R", bound=BaseModel)

Notified = Callable[[types.ServerNotification], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RunningCall:
    """A call that runs in a process: what its caller can be asked, and where."""

    session: ServerSession
    can_be_asked: bool
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """The context of the request, by which the transport knows the stream to the caller."""
    questions: set[asyncio.Task[Any]] = field(default_factory=set)

    async def within(self, work: Any) -> Any:
        """Await a coroutine in the context of the call.

        Raises:
            McpError: the call ended first.
        """
        task = await self._ended(work)
        if task.cancelled():
            raise failure("The call that this belongs to has ended")
        return task.result()

    async def tell(self, work: Any) -> None:
        """Await a coroutine in the context of the call, and no longer than the call takes: the loop that
        receives the process's messages waits here."""
        task = await self._ended(work)
        if not task.cancelled():
            task.result()

    async def _ended(self, work: Any) -> asyncio.Task[Any]:
        """Return the task of a coroutine that has ended, or was cancelled at the end of the call."""
        task = asyncio.get_running_loop().create_task(work, context=self.context)
        self.questions.add(task)
        try:
            await asyncio.wait([task])
        finally:
            self.questions.discard(task)
            task.cancel()
        return task


class StdioProcess:
    """A process, from `start` to `aclose`.

    Attributes:
        used: when a request came last, or ended.
        log_level: the lowest level of log messages that it was asked for.
        notified: gets each notification of the server.
    """

    def __init__(self, command: Command, *, start_seconds: float = START_SECONDS) -> None:
        self._command = command
        self._start_seconds = start_seconds
        self._calls: list[RunningCall] = []
        self._requests = 0
        self._leave = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._session: ConcurrentSession | None = None
        self.used = time.monotonic()
        self.log_level: str | None = None
        self.notified: Notified = _ignore

    @property
    def alive(self) -> bool:
        """Whether it can take a request."""
        return self._session is not None and not self._leave.is_set()

    @property
    def busy(self) -> bool:
        """Whether it works on a request."""
        return self._requests > 0

    async def start(self) -> types.InitializeResult:
        """Start the process and return what the server says of itself.

        Raises:
            CommandError: it does not start, or does not speak MCP.
        """
        ready: asyncio.Future[types.InitializeResult] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._own(ready), name="mcp-stdio-process")
        try:
            return await asyncio.shield(ready)
        except BaseException:
            await end_tasks(self._task)
            if not ready.cancelled():
                ready.exception()  # which nobody waits for any more
            raise

    async def aclose(self) -> None:
        """End the process. May be called twice."""
        self._leave.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=5)
            await end_tasks(self._task)

    async def send(self, request: types.ClientRequest, kind: type[BaseModel]) -> Any:
        """Send a request and return its result.

        Raises:
            McpError: the server's error, or it does not answer in time, or has ended.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return await self._sent(lambda session: session.send_request(request, kind))
        except TimeoutError:
            raise failure(f"The server's process did not answer within {_ANSWER_SECONDS:.0f} s") from None

    async def call(
        self, params: types.CallToolRequestParams, call: RunningCall, progress: ProgressFnT | None
    ) -> types.CallToolResult:
        """Call a tool. If the caller is cancelled, the server is told. Raises `McpError`."""
        with self._running(call):
            forwarded = _forwarded(progress, call)
            result: types.CallToolResult = await self._sent(
                lambda session: call_tool(session, params.name, params.arguments or {}, forwarded)
            )
            return result

    @contextlib.contextmanager
    def _running(self, call: RunningCall) -> Iterator[None]:
        self._calls.append(call)
        try:
            yield
        finally:
            self._calls.remove(call)
            for question in call.questions:
                question.cancel()

    async def _sent(self, work: Callable[[ConcurrentSession], Awaitable[Any]]) -> Any:
        self.used = time.monotonic()
        session = self._session
        if session is None:
            raise failure("The server's process has ended")
        self._requests += 1
        try:
            return await work(session)
        except McpError as error:
            if error.error.code == types.CONNECTION_CLOSED:
                self._leave.set()
                raise failure(
                    "The server's process has ended. It is not known whether the call was completed."
                ) from error
            raise
        except ValidationError as error:
            raise failure("The server's answer cannot be read") from error
        except _CLOSED as error:
            self._leave.set()
            raise failure("The server's process has ended") from error
        finally:
            self._requests -= 1
            self.used = time.monotonic()

    async def _own(self, ready: asyncio.Future[types.InitializeResult]) -> None:
        """Hold the process until `aclose`, or until its end. This one task enters and leaves all scopes."""
        try:
            async with command_session(
                self._command,
                self._leave,
                start_seconds=self._start_seconds,
                elicitation_callback=self._elicited,
                sampling_callback=self._sampled,
                message_handler=self._heard,
                client_info=CLIENT,
            ) as (session, greeting):
                self._session = session
                ready.set_result(greeting)
                await self._leave.wait()
        except CommandError as error:
            ready.set_exception(error)
        finally:
            self._session = None
            if not ready.done():
                ready.set_exception(CommandError(f"{self._command.label} was ended before it had started"))

    async def _elicited(
        self,
        context: Any,  # noqa: ARG002 - of the process, which says nothing of the call
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        return await self._asked(types.ElicitRequest(params=params), types.ElicitResult)

    async def _sampled(
        self,
        context: Any,  # noqa: ARG002 - likewise
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult | types.ErrorData:
        return await self._asked(types.CreateMessageRequest(params=params), types.CreateMessageResult)

    async def _asked(
        self, request: types.ElicitRequest | types.CreateMessageRequest, kind: type[R]
    ) -> R | types.ErrorData:
        """Ask the person of the call that began last: the transport does not tell to which one a question
        belongs, and all calls of a process are one person's."""
        call = next((call for call in reversed(self._calls) if call.can_be_asked), None)
        if call is None:
            return types.ErrorData(
                code=types.INVALID_REQUEST, message="There is no call whose person can be asked"
            )
        try:
            answer: R = await call.within(call.session.send_request(types.ServerRequest(request), kind))
        except McpError as error:
            return error.error
        return answer

    async def _heard(self, message: Any) -> None:
        if not isinstance(message, types.ServerNotification):
            return
        if isinstance(message.root, types.LoggingMessageNotification) and self._calls:
            call = self._calls[-1]  # all calls of a process are one person's
            await call.tell(call.session.send_notification(message))
        else:
            await self.notified(message)


async def _ignore(_: types.ServerNotification) -> None:
    """The process belongs to nobody yet."""


def _forwarded(send: ProgressFnT | None, call: RunningCall) -> ProgressFnT | None:
    """Return what passes progress on, in the context of its call."""
    if send is None:
        return None

    async def forward(progress: float, total: float | None, message: str | None) -> None:
        await call.tell(send(progress, total, message))

    return forward


def failure(text: str) -> McpError:
    """Return the error that a caller gets when the process cannot answer."""
    return McpError(types.ErrorData(code=types.INTERNAL_ERROR, message=text))
