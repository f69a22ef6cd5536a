"""Authentication at an MCP server: a fresh token for each request, another after a refusal; or a key."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from mcpsecurity.client.challenges import Challenge, challenge_of
from mcpsecurity.client.errors import BridgeError
from mcpsecurity.sentences import Sentence
from mcpsecurity.server_headers import check_address, checked_headers

KEY = "mcpsecurity.key"
"""The extension of an HTTP request that has the `SentKey` of `HeaderAuth`."""

GetToken = Callable[[bool], Awaitable[str]]
"""Returns an access token; True asks for a new one although the cached one looks good."""

StepUp = Callable[[Challenge], Awaitable[str | None]]
"""Returns a token that satisfies a challenge, or None if only the person can give one."""


@dataclass(frozen=True, slots=True)
class SentKey:
    """The values of headers that a request carries. `alone`: it carries no token besides."""

    values: tuple[str, ...] = field(repr=False)
    alone: bool


class TokenAuth(httpx.Auth):
    """Puts a token on each request. A 401 is answered once with a new token.

    With `step_up`, a challenge that says what the token lacks is answered once with one that has it: the
    request was not taken, so it is sent again.
    """

    requires_response_body = False

    def __init__(self, get_token: GetToken, step_up: StepUp | None = None) -> None:
        self._get_token = get_token
        self._step_up = step_up

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token, and at most twice more with others."""
        request.headers["Authorization"] = f"Bearer {await self._get_token(False)}"
        response = yield request
        challenge = challenge_of(response)
        if response.status_code == httpx.codes.UNAUTHORIZED and (challenge is None or self._step_up is None):
            request.headers["Authorization"] = f"Bearer {await self._get_token(True)}"
            response = yield request
            challenge = challenge_of(response)
        if challenge is not None and self._step_up is not None:
            token = await self._step_up(challenge)
            if token is not None:
                request.headers["Authorization"] = f"Bearer {token}"
                yield request


class HeaderAuth(httpx.Auth):
    """Puts headers on each request, such as an API key: `HeaderAuth({"X-Api-Key": key})`.

    They are sent by https only, or to this machine, and no redirect takes them to another origin. A refusal
    is a `KeyRefusedError`. For a server that wants a token as well, `token` puts that on.

    Raises:
        ValueError: a header may not be set, or cannot be sent; the message has no value.
    """

    requires_response_body = False

    def __init__(self, headers: Mapping[str, str], token: httpx.Auth | None = None) -> None:
        self._headers = checked_headers(headers)
        self._token = token
        if token is not None and any(name.lower() == "authorization" for name in self._headers):
            raise ValueError("the token is sent in Authorization; leave this header out")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with the headers, by the flow of the token if there is one."""
        try:
            check_address(str(request.url))
        except ValueError as error:
            host = request.url.netloc.decode()
            text = Sentence("The MCP server at {host} is not asked: a key is sent by https only.", host=host)
            raise BridgeError(text) from error
        request.headers.update(self._headers)
        request.extensions[KEY] = SentKey(tuple(self._headers.values()), alone=self._token is None)
        if self._token is None:
            yield request
            return
        flow = self._token.async_auth_flow(request)
        try:
            request = await anext(flow)
            while True:
                request = await flow.asend((yield request))
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()
