"""Who calls, as far as the transport has to know."""

from typing import NamedTuple

from aiohttp import web
from mcp.server.auth.provider import AccessToken

__all__ = ["ANONYMOUS", "TOKEN_KEY", "Owner", "owner_of", "token_of", "whole_token"]

TOKEN_KEY: web.RequestKey[AccessToken | None] = web.RequestKey("mcp_access_token", AccessToken)
"""Where an authentication middleware puts the validated token of a request.

A token that is put there without its text, so as not to be made anew for each request, has a method
`of_request` that gives it whole; handlers see only that one.
"""


class Owner(NamedTuple):
    """To whom a session belongs. Sessions are not authentication: another owner's session does not exist."""

    tenant: str
    user: str
    client: str


ANONYMOUS = Owner("", "", "")


def token_of(http: web.Request) -> AccessToken | None:
    """Return `http[TOKEN_KEY]`; None where there is no authentication.

    `http.get` would raise and catch an error for each request without one: two per cent of a call.
    """
    token: AccessToken | None = http._state.get(TOKEN_KEY)  # noqa: SLF001 - where `http[…]` looks
    return token


def owner_of(token: AccessToken | None) -> Owner:
    """Return whom a token stands for: tenant, person and application; else its subject and client.

    A token that knows its `owner` says so itself.
    """
    if token is None:
        return ANONYMOUS
    known = getattr(token, "owner", None)
    if type(known) is Owner:
        return known
    claims = token.claims or {}
    return Owner(
        str(claims.get("tid", claims.get("iss", ""))),
        str(claims.get("oid", token.subject or "")),
        token.client_id,
    )


def whole_token(token: AccessToken, http: web.Request) -> AccessToken:
    """Return a token of `http` as handlers may see it, with its text."""
    of_request = getattr(token, "of_request", None)
    if of_request is None:
        return token
    whole: AccessToken = of_request(http)
    return whole
