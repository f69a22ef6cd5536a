"""A client session whose questions to people do not hold up anything else.

The SDK's `ClientSession` awaits the callbacks for elicitation and sampling in its receive loop: while a form
is open no progress, no result and no second question would arrive. Here each is answered from a task of its
own.
"""

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from types import TracebackType
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.shared.message import SessionMessage
from mcp.shared.session import ProgressFnT, RequestResponder

from mcpsecurity.client.answers import encodable
from mcpsecurity.client.errors import ProtocolError
from mcpsecurity.client.readable import Greeting, ReadableResult
from mcpsecurity.client.tracing import Peer, traced

__all__ = ["ConcurrentSession", "call_tool"]

_log = logging.getLogger(__name__)

_READ = types.JSONRPCMessage(types.JSONRPCResponse(jsonrpc="2.0", id=0, result={}))
_CLOSED = (anyio.ClosedResourceError, anyio.BrokenResourceError)
_ASKING = (types.ElicitRequest, types.CreateMessageRequest, types.ListRootsRequest)


class ConcurrentSession(ClientSession):
    """The SDK's session, with server requests answered side by side; closing it ends what is open.

    Attributes:
        peer: attributes that the spans of its requests have besides.
        answering: entered while a request of the server is being answered.
        end_post: ends the POST of a request whose caller has left.
    """

    peer: Peer | None = None
    answering: Callable[[], AbstractContextManager[None]] = nullcontext
    end_post: Callable[[types.RequestId], None] = staticmethod(lambda _: None)

    async def send_request(
        self, request: types.ClientRequest, result_type: Any, *positional: Any, **options: Any
    ) -> Any:
        """Send a request and return its result, in a span; see the SDK's own for arguments and errors."""
        kind = Greeting if result_type is types.InitializeResult else result_type
        request_id = self._request_id
        try:
            return await traced(super().send_request, request, kind, *positional, peer=self.peer, **options)
        except anyio.get_cancelled_exc_class():
            self.end_post(request_id)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """End what is open. The SDK would leave the callers of running requests waiting for ever."""
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
        """Hand a response over, and keep nothing of it: the receive loop holds each message until the next
        one comes, and in an idle session that is the list of tools. A response that has come is not lost when
        the session is closed in this moment."""
        with anyio.CancelScope(shield=True):
            await super()._handle_response(message)
        message.message = _READ

    async def _answer(self, responder: RequestResponder[types.ServerRequest, types.ClientResult]) -> None:
        try:
            with self.answering():
                await super()._received_request(responder)
        except anyio.get_cancelled_exc_class():
            if not responder.cancelled:  # by the server, which withdraws its question: the session goes on
                raise
        except Exception:  # noqa: BLE001 - a failing callback must not end the connection; logged in full
            _log.exception("answering %s failed", responder.request.root.method)
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
    """Call a tool without a deadline: a person may be asked meanwhile.

    When the caller is cancelled the server is told (`notifications/cancelled`), which the SDK does not do.

    Raises:
        McpError: the server answered with an error.
        ProtocolError: the arguments cannot be sent as JSON; nothing was sent.
    """
    arguments = _sendable(name, arguments)
    params = types.CallToolRequestParams.model_validate({"name": name, "arguments": arguments, "_meta": meta})
    request = types.ClientRequest(types.CallToolRequest(params=params))
    request_id = session._request_id  # noqa: SLF001 - the id that `send_request` takes in this very step
    send = session.send_request
    if not isinstance(session, ConcurrentSession):  # which does it itself
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


def _sendable(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments that can be sent; the SDK's transport ends the connection for those that cannot."""
    try:
        json.dumps(arguments, allow_nan=False)
        sendable: dict[str, Any] = encodable(arguments)
    except (ValueError, TypeError, RecursionError) as error:
        text = f"The arguments of {name} cannot be sent as JSON: {error}. The call was not made."
        raise ProtocolError(text, code=types.INVALID_PARAMS) from error
    return sendable
