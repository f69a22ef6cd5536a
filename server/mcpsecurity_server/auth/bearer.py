"""Bearer tokens in requests, and the responses that refuse them (RFC 6750; RFC 9728; MCP authorization)."""

import base64
import math
import re
from collections.abc import Callable

import orjson
from aiohttp import hdrs, web

from mcpsecurity_server.auth.errors import (
    AuthError,
    InsufficientClaims,
    InsufficientScope,
    InvalidRequest,
    MissingToken,
    NotPermitted,
    Unavailable,
)

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


class Challenger:
    """Turns an `AuthError` into a response.

    Its words are where it is raised: of a 401 above and in `verifier`, of a 403 in `policy`, and for single
    tools in `tool_policy`.

    `metadata_url` is the URL of the protected resource metadata; `base_scope` the permission (short name)
    that every call needs; `full_scope` puts the Application ID URI in front of a short name.
    """

    def __init__(self, metadata_url: str, base_scope: str, full_scope: Callable[[str], str]) -> None:
        self._metadata_url = metadata_url
        self._base_scope = base_scope
        self._full_scope = full_scope

    def response(self, error: AuthError) -> web.Response:
        """Return the response to `error`, with a challenge if another token could help."""
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        if isinstance(error, Unavailable):
            headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
        elif not isinstance(error, NotPermitted):
            headers[hdrs.WWW_AUTHENTICATE] = self._challenge(error)
        body = {"error": error.error or "unauthorized", "error_description": error.description}
        return web.Response(
            status=error.status, body=orjson.dumps(body), content_type="application/json", headers=headers
        )

    def _challenge(self, error: AuthError) -> str:
        scopes = error.scopes if isinstance(error, InsufficientScope) else (self._base_scope,)
        parameters = {
            "error": error.error,
            "claims": _encoded(error.claims) if isinstance(error, InsufficientClaims) else None,
            "error_description": error.description if error.error else None,
            "scope": " ".join(self._full_scope(scope) for scope in scopes),
            "resource_metadata": self._metadata_url,
        }
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)


def _encoded(claims: str) -> str:
    """Return a claims challenge as a header has it: in base64."""
    return base64.b64encode(claims.encode()).decode()
