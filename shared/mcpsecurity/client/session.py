"""A client session that answers the server's requests beside its receive loop.

The SDK's `ClientSession` awaits the callbacks for elicitation and sampling in its receive loop: while a form
is open, no progress, result or second question arrives. Here each callback runs in a task of its own.

This module is the only one that uses private names of `ClientSession`: `_handle_response`,
`_received_request`, `_request_id`, `_response_streams`, `_send_response` and `_task_group`.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from importlib.metadata import version
from types import TracebackType
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.client.session import ElicitationFnT
from mcp.shared.message import SessionMessage
from mcp.shared.session import ProgressFnT, RequestResponder

from mcpsecurity.client.errors import ProtocolError
from mcpsecurity.client.json_rpc import encodable
from mcpsecurity.client.lenient_results import Greeting, P, ReadableResult
from mcpsecurity.client.tracing import Peer, traced
from mcpsecurity.runtime.exact_decimals import marked
from mcpsecurity.sentences import Sentence

CLIENT = types.Implementation(name="mcpsecurity", version=version("mcpsecurity"))
"""What the client says of itself."""

_log = logging.getLogger(__name__)
_MAX_PAGES = 100

_READ = types.JSONRPCMessage(types.JSONRPCResponse(jsonrpc="2.0", id=0, result={}))
_CLOSED = (anyio.ClosedResourceError, anyio.BrokenResourceError)
_READABLE: dict[Any, Any] = {types.InitializeResult: Greeting, types.CallToolResult: ReadableResult}
_ASKING = (types.ElicitRequest, types.CreateMessageRequest, types.ListRootsRequest)


def _drop_messages(record: logging.LogRecord) -> bool:
    """Let a record pass; the SDK's on a message that it cannot read has no word of the message.

    A filter for the root logger, to which the SDK writes it.
    """
    if isinstance(record.msg, str) and record.msg.startswith("Failed to validate"):
        record.msg, record.args = "a message of an MCP server cannot be read or passed on", ()
    return True


class ConcurrentSession(ClientSession):
    """The SDK's session, which answers server requests concurrently and ends open requests when it is closed.

    What it sends has `marked` decimals, which our transports write as numbers.

    Attributes:
        peer: further attributes for the spans of its requests.
        answering: a context that is entered while a request of the server is answered.
        end_post: ends the POST of a request whose caller has left.
    """

    peer: Peer | None = None
    answering: Callable[[], AbstractContextManager[None]] = nullcontext
    end_post: Callable[[types.RequestId], None] = staticmethod(lambda _: None)

    def __init__(
        self, read: Any, write: Any, *, elicitation_callback: ElicitationFnT | None = None, **options: Any
    ) -> None:
        logging.getLogger().addFilter(_drop_messages)
        asked = partial(_exactly, elicitation_callback) if elicitation_callback is not None else None
        super().__init__(read, write, elicitation_callback=asked, **options)

    async def send_request(
        self, request: types.ClientRequest, result_type: Any, *positional: Any, **options: Any
    ) -> Any:
        """Send a request in a span, and return its result; arguments and errors are those of the SDK."""
        kind = _READABLE.get(result_type, result_type)
        request_id = self._request_id
        try:
            return await traced(super().send_request, request, kind, *positional, peer=self.peer, **options)
        except anyio.get_cancelled_exc_class():
            self.end_post(request_id)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Close the session, and fail the open requests: the SDK would let their callers wait for ever."""
        try:
            return await super().__aexit__(kind, error, trace)
        finally:
            closed = types.ErrorData(code=types.CONNECTION_CLOSED, message="Connection closed")
            for request_id, waiting in list(self._response_streams.items()):
                with suppress(anyio.WouldBlock, *_CLOSED):
                    waiting.send_nowait(types.JSONRPCError(jsonrpc="2.0", id=request_id, error=closed))

    async def _received_request(
        self, responder: RequestResponder[types.ServerRequest, types.ClientResult]
    ) -> None:
        if isinstance(responder.request.root, _ASKING):
            self._task_group.start_soon(self._answer, responder)
        else:
            await super()._received_request(responder)

    async def _handle_response(self, message: SessionMessage) -> None:
        """Deliver a response, even if the session is closed at this moment, and free its memory.

        The receive loop holds each message until the next one: in an idle session, the list of tools."""
        with anyio.CancelScope(shield=True):
            await super()._handle_response(message)
        message.message = _READ

    async def _answer(self, responder: RequestResponder[types.ServerRequest, types.ClientResult]) -> None:
        try:
            with self.answering():
                await super()._received_request(responder)
        except anyio.get_cancelled_exc_class():
            if responder.cancelled:  # by the server, which withdraws its question: the session goes on
                return
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            await self._failed(responder)  # what the callback waited for was cancelled, and not the session
        except Exception:  # noqa: BLE001 - a failing callback must not end the connection; logged in full
            _log.exception("answering %s failed", responder.request.root.method)
            await self._failed(responder)

    async def _failed(self, responder: RequestResponder[types.ServerRequest, types.ClientResult]) -> None:
        error = types.ErrorData(code=types.INTERNAL_ERROR, message="The client could not answer")
        with suppress(*_CLOSED):
            await self._send_response(responder.request_id, error)


async def call_tool(
    session: ClientSession,
    name: str,
    arguments: dict[str, Any],
    progress: ProgressFnT | None = None,
    meta: dict[str, Any] | None = None,
) -> types.CallToolResult:
    """Call a tool without a deadline, as the server may ask a person meanwhile.

    If the caller is cancelled, the server gets `notifications/cancelled`, which the SDK does not send.

    Raises:
        McpError: the server answered with an error.
        ProtocolError: the arguments cannot be sent as JSON; nothing was sent.
    """
    arguments = _sendable(name, arguments, exact=isinstance(session, ConcurrentSession))
    params = types.CallToolRequestParams.model_validate({"name": name, "arguments": arguments, "_meta": meta})
    request = types.ClientRequest(types.CallToolRequest(params=params))
    request_id = session._request_id  # noqa: SLF001 - the id that `send_request` takes in this very step
    send = session.send_request
    if not isinstance(session, ConcurrentSession):  # a `ConcurrentSession` traces its requests itself
        send = partial(traced, send)
    try:
        return await send(request, ReadableResult, progress_callback=progress)
    except anyio.get_cancelled_exc_class():
        cancelled = types.CancelledNotification(
            params=types.CancelledNotificationParams(requestId=request_id, reason="cancelled by the caller")
        )
        with anyio.move_on_after(2, shield=True), suppress(*_CLOSED):
            await session.send_notification(types.ClientNotification(cancelled))
        raise


async def all_pages(session: ClientSession, kind: type[P]) -> list[P]:
    """Return the pages of a list, until the server names no next one. Raises `McpError`."""
    found: list[P] = []
    cursor: str | None = None
    seen: set[str] = set()
    for _ in range(_MAX_PAGES):
        request = kind.request(params=types.PaginatedRequestParams(cursor=cursor))
        found.append(await session.send_request(types.ClientRequest(request), kind))
        cursor = found[-1].nextCursor
        if cursor is None or cursor in seen:
            break
        seen.add(cursor)
    return found


def _sendable(name: str, arguments: dict[str, Any], *, exact: bool) -> dict[str, Any]:
    """Return arguments that JSON can express. The SDK's transport ends the connection for others.

    `exact`: the session's transport knows marks. Others get doubles."""
    try:
        arguments = marked(arguments) if exact else arguments
        json.dumps(arguments, allow_nan=False)
        sendable: dict[str, Any] = encodable(arguments)
    except (ValueError, TypeError, RecursionError) as error:
        text = Sentence(
            "The arguments of {tool} cannot be sent as JSON: {reason}. The call was not made.",
            tool=name,
            reason=str(error),
        )
        raise ProtocolError(text, code=types.INVALID_PARAMS) from error
    return sendable


async def _exactly(
    ask: ElicitationFnT, context: Any, params: types.ElicitRequestParams
) -> types.ElicitResult | types.ErrorData:
    """Return a person's answer with its decimals marked."""
    answer = await ask(context, params)
    if isinstance(answer, types.ElicitResult) and answer.content is not None:
        return answer.model_copy(update={"content": marked(answer.content)})
    return answer
