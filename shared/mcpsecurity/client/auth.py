"""Tokens for an MCP server: a fresh one for each HTTP request, and one more try when it is refused."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx

__all__ = ["GetToken", "TokenAuth"]

GetToken = Callable[[bool], Awaitable[str]]
"""Returns an access token; True asks for a new one although the cached one looks good."""


class TokenAuth(httpx.Auth):
    """Puts a token on each request. A 401 is answered once with a token that was got anew."""

    requires_response_body = False

    def __init__(self, get_token: GetToken) -> None:
        self._get_token = get_token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send with a token, and on a 401 once more with a new one."""
        request.headers["Authorization"] = f"Bearer {await self._get_token(False)}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._get_token(True)}"
            yield request
