"""The bearer token of a request: in the Authorization header and nowhere else (RFC 6750, section 2.1)."""

import re

from aiohttp import hdrs, web

from mcpsecurity_server.auth.errors import InvalidRequest, MissingToken

_SCHEME = "bearer"
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*")


def bearer_token(request: web.Request) -> str:
    """Return the Authorization header without its scheme; `check_syntax` tells whether that is a token.

    Raises:
        MissingToken: no Authorization header, or one of another scheme.
        InvalidRequest: several headers, or another token in the query.
    """
    headers = request.headers.getall(hdrs.AUTHORIZATION, ())
    if not headers:
        raise MissingToken("no_credentials", "Sign in and send an access token in the Authorization header.")
    if len(headers) > 1:
        raise InvalidRequest("several_headers", "Send one Authorization header.")
    scheme, _, token = headers[0].partition(" ")
    if scheme.lower() != _SCHEME:
        raise MissingToken("other_scheme", "Only bearer tokens are accepted.")
    if "?" in request.raw_path and "access_token" in request.query:
        raise InvalidRequest("token_in_query", "Send the token in the Authorization header only.")
    return token.lstrip(" ")  # RFC 6750, 2.1: one blank or more


def check_syntax(token: str) -> None:
    """Check that the text is one token (RFC 6750, section 2.1): no blanks, no commas, not empty.

    Raises:
        InvalidRequest: it is not.
    """
    if _B64TOKEN.fullmatch(token) is None:
        raise InvalidRequest("malformed_header", "The Authorization header must hold one bearer token.")
