"""What the transport knows of the caller of a request."""

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from aiohttp import web
from mcp.server.auth.provider import AccessToken

TOKEN_KEY: web.RequestKey[AccessToken | None] = web.RequestKey("mcp_access_token", AccessToken)
"""Request key under which an authentication middleware stores the validated access token."""


class Owner(NamedTuple):
    """The owner of a session. For any other owner the session does not exist."""

    tenant: str
    user: str
    client: str


ANONYMOUS = Owner("", "", "")


class CallRefusedError(Exception):
    """Raised by a tool whose caller needs another token. The HTTP request is refused with it.

    A middleware turns it into a response. If the answer has begun, the request fails with its text instead.
    """


class CallerRules(Protocol):
    """Tells from a token which tools its caller sees, and whether it may answer questions."""

    @property
    def hides_tools(self) -> bool:
        """Whether some tools are not shown to some callers."""

    def may_see(self, tool: str, token: AccessToken | None) -> bool:
        """Tell whether the list of tools has this one."""

    def may_answer(self, token: AccessToken | None) -> bool:
        """Tell whether the caller may answer what a tool asks."""


def token_of(http: web.Request) -> AccessToken | None:
    """Return the validated access token of a request, or None if there is no authentication."""
    return http.get(TOKEN_KEY)


def end_of(token: AccessToken | None, clock: Callable[[], float]) -> float:
    """Return when a token expires, on the monotonic clock; `clock` gives seconds since 1970."""
    if token is None or not token.expires_at:
        return float("inf")
    return time.monotonic() + token.expires_at - clock()


def owner_of(token: AccessToken | None) -> Owner:
    """Return tenant, person and application of a token; without Entra's claims its issuer and subject."""
    if token is None:
        return ANONYMOUS
    claims = token.claims or {}
    tenant = claims.get("tid") or claims.get("iss") or ""
    return Owner(str(tenant), str(claims.get("oid") or token.subject or ""), token.client_id)
