"""An MCP server that runs in the local stack, and clients for it that are signed in."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
from mcp.client.session import ElicitationFnT, SamplingFnT

from mcpsecurity.client import McpConnection, TokenAuth
from mcpsecurity.client.connection import OnNotification
from mcpsecurity.testing.answers import Answer, Answers
from mcpsecurity.testing.tokens import AccessTokens

_JSON = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


class ServedMcp:
    """A served FastMCP instance. Every client method makes a client; nothing is shared between tests.

    Attributes:
        url: the MCP endpoint.
        scope: the permission that callers need, as clients request it.
    """

    def __init__(self, url: str, scope: str, tokens: AccessTokens, stop: Callable[[], None]) -> None:
        self.url = url
        self.scope = scope
        self._tokens = tokens
        self.stop = stop

    @asynccontextmanager
    async def session(
        self,
        user: str | None = "alice",
        *,
        elicitation: ElicitationFnT | None = None,
        answers: Sequence[Answer] | None = None,
        sampling: SamplingFnT | None = None,
        on_notification: OnNotification | None = None,
        **token: Any,
    ) -> AsyncIterator[McpConnection]:
        """Open an MCP session as `user`; None sends no token.

        Args:
            elicitation: answers what the server asks; an `Answers` records it, too.
            answers: the answers in order, instead: values of a form, "decline" or "cancel".
            token: what to change about the token, as in `AccessTokens`.

        Raises:
            LookupError: there is no such user; the message names those that exist.
            SignInRequiredError, InsufficientScopeError, AccessDeniedError: the server refuses, within a
                second or two; there is more in `mcpsecurity.bridge`.
        """

        if answers is not None:
            elicitation = Answers(*answers)
        connection = McpConnection(
            self.url,
            auth=self._auth(user, token) if user is not None else None,
            elicitation=elicitation,
            sampling=sampling,
            on_notification=on_notification,
        )
        async with connection:
            yield connection

    def http(self, user: str | None = "alice", **token: Any) -> httpx.Client:
        """Return a client whose requests carry a token of `user`, and MCP's usual headers; close it after."""
        return httpx.Client(headers=self._headers(user, token), **self._options())

    def async_http(self, user: str | None = "alice", **token: Any) -> httpx.AsyncClient:
        """Return the same for async code."""
        return httpx.AsyncClient(headers=self._headers(user, token), **self._options())

    def _auth(self, user: str, token: dict[str, Any]) -> TokenAuth:
        self._tokens(user, **token)  # wrong arguments raise here, not as a failed sign-in

        async def get_token(_: bool) -> str:
            return self._tokens(user, **token)

        return TokenAuth(get_token)

    def _headers(self, user: str | None, token: dict[str, Any]) -> dict[str, str]:
        if user is None:
            return dict(_JSON)
        return _JSON | {"Authorization": f"Bearer {self._tokens(user, **token)}"}

    def _options(self) -> dict[str, Any]:
        """Plain http on loopback: no proxy and no authority of the environment's plays a part."""
        return {"base_url": self.url.rpartition("/")[0], "trust_env": False, "timeout": 20.0}
