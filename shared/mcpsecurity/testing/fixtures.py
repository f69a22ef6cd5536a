"""Types of the pytest plugin's fixtures, for the annotations of tests."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import httpx

from mcpsecurity.client import McpConnection


class McpSessions(Protocol):
    """The fixture `mcp_session`; the arguments are those of `ServedMcp.session`."""

    def __call__(
        self, user: str | None = "alice", **options: Any
    ) -> AbstractAsyncContextManager[McpConnection]:
        """Open a session."""


class HttpClients(Protocol):
    """The fixture `http_client`; the arguments are those of `ServedMcp.http`."""

    def __call__(self, user: str | None = "alice", **token: Any) -> httpx.Client:
        """Return a client, which the test's end closes."""


class AsyncHttpClients(Protocol):
    """The fixture `async_http_client`."""

    def __call__(
        self, user: str | None = "alice", **token: Any
    ) -> AbstractAsyncContextManager[httpx.AsyncClient]:
        """Open a client."""
