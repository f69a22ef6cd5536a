"""The session that tools see, and the channel through which it reaches the client."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import anyio
from mcp import types
from mcp.server.session import ServerSession
from pydantic import BaseModel

from mcpsecurity_server.transport.jsonrpc import INTERNAL_ERROR, INVALID_REQUEST
from mcpsecurity_server.transport.protocol import RESOURCE_UPDATED, mcp_error

R = TypeVar("R", bound=BaseModel)


class Channel(Protocol):
    """Sends messages to the client while a request is handled, or outside of any request."""

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification."""

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Send a request and return its result. Raises `McpError` with the client's error."""

    async def close_stream(self) -> None:
        """Close the connection that carries the stream; the client reconnects and resumes."""


current_channel: ContextVar[Channel | None] = ContextVar("mcp_channel", default=None)
"""The channel of the running call, which tasks that a tool starts inherit."""


class UnansweredChannel:
    """The channel of a caller that may not answer questions, such as an agent that acts for itself."""

    def __init__(self, inner: Channel) -> None:
        self._inner = inner

    async def notify(self, method: str, params: dict[str, Any] | None) -> None:
        """Send a notification."""
        await self._inner.notify(method, params)

    async def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        """Pass a request on, unless it asks a person. Raises `McpError`."""
        if method != "elicitation/create":
            return await self._inner.ask(method, params)
        raise mcp_error(INVALID_REQUEST, "Only a person may answer this question, and the caller is an agent")

    async def close_stream(self) -> None:
        """Close the connection that carries the stream."""
        await self._inner.close_stream()


class RelaySession(ServerSession):
    """A `ServerSession` that sends through a `Channel`, with all helpers of the SDK's class.

    Messages during a call go to the call's channel, all others to `outside`. Unlike its base class it has
    neither streams nor a task.

    Attributes:
        asking: wraps each question to the client, with its method; for instrumentation.
    """

    asking: Callable[[str, Awaitable[Any]], Awaitable[Any]] | None = None

    def __init__(self, outside: Channel, client_params: types.InitializeRequestParams | None) -> None:
        # The base class would create memory streams and an exit stack, which nothing here uses.
        self._outside = outside
        self._client_params = client_params

    async def send_request(
        self,
        request: types.ServerRequest,
        result_type: type[R],
        request_read_timeout_seconds: timedelta | None = None,
        metadata: Any = None,  # noqa: ARG002 - the channel is known without it
        progress_callback: Any = None,  # noqa: ARG002 - clients report no progress on a server's request
    ) -> R:
        """Ask the client and return its answer.

        Raises:
            McpError: the client answered with an error, or not in time.
        """
        method, params = _wire(request)
        seconds = request_read_timeout_seconds.total_seconds() if request_read_timeout_seconds else None
        try:
            with anyio.fail_after(seconds):
                asked = self._channel().ask(method, params)
                result = await (asked if self.asking is None else self.asking(method, asked))
        except TimeoutError:
            raise mcp_error(INTERNAL_ERROR, f"The client did not answer {method} in time") from None
        return result_type.model_validate(result)

    async def send_notification(
        self,
        notification: types.ServerNotification,
        related_request_id: types.RequestId | None = None,  # noqa: ARG002 - the channel is known without it
    ) -> None:
        """Send a notification. List changes and resource updates belong to no call."""
        method, params = _wire(notification)
        unrelated = method.endswith("list_changed") or method == RESOURCE_UPDATED
        await (self._outside if unrelated else self._channel()).notify(method, params)

    def _channel(self) -> Channel:
        return current_channel.get() or self._outside


def _wire(message: BaseModel) -> tuple[str, dict[str, Any] | None]:
    content = message.model_dump(by_alias=True, mode="json", exclude_none=True)
    return content["method"], content.get("params")
