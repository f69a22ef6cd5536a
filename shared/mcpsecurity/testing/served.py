"""An MCP server that runs in the local stack, clients that are signed in, and answers to its questions."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from mcp import types
from mcp.client.session import ElicitationFnT, SamplingFnT

from mcpsecurity.client import McpConnection, TokenAuth
from mcpsecurity.client.connection import OnNotification
from mcpsecurity.testing.tokens import AccessTokens

Answer = dict[str, Any] | Literal["decline", "cancel"]
"""The values of a form, which accept it, or that it is declined or dismissed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a server asked: its message, and the form's schema, or the address to open."""

    message: str
    schema: dict[str, Any] | None = None
    url: str | None = None


class Answers:
    """Answers elicitation requests in order, and records them.

        answers = Answers({"text": "Well done!"}, "decline")
        async with mcp_session("alice", elicitation=answers) as session: ...
        assert answers.asked[0].message == "A card for Bob"

    A question for which no answer is left is answered with an error, which the tool of the server gets.
    """

    def __init__(self, *answers: Answer) -> None:
        for answer in answers:
            if not isinstance(answer, dict) and answer not in ("decline", "cancel"):
                raise TypeError(f"An answer is a dict of values, 'decline' or 'cancel', not {answer!r}")
        self._answers = deque(answers)
        self.asked: list[Question] = []

    @property
    def left(self) -> int:
        """How many answers have not been used."""
        return len(self._answers)

    async def __call__(
        self,
        context: Any,  # noqa: ARG002 - the SDK's signature
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult | types.ErrorData:
        """Answer one question: the callback of an MCP session."""
        schema, url = getattr(params, "requestedSchema", None), getattr(params, "url", None)
        self.asked.append(Question(params.message, schema, url))
        if not self._answers:
            return types.ErrorData(code=types.INVALID_REQUEST, message="The test lists no answer for this.")
        answer = self._answers.popleft()
        if isinstance(answer, str):
            return types.ElicitResult(action=answer)
        return types.ElicitResult(action="accept", content=None if url is not None else answer)


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
