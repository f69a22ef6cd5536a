"""Tokens for an MCP server: a fresh one for each HTTP request, and another try when it is refused."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx

from mcpsecurity.client.challenges import Challenge, challenge_of

__all__ = ["GetToken", "StepUp", "TokenAuth"]

GetToken = Callable[[bool], Awaitable[str]]
"""Returns an access token; True asks for a new one although the cached one looks good."""

StepUp = Callable[[Challenge], Awaitable[str | None]]
"""Returns a token that satisfies a challenge, or None if only the person can give one."""


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
