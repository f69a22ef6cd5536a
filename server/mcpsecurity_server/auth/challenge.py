"""Responses to refused requests (RFC 6750, section 3; RFC 9728, section 5.1; MCP authorization).

Their words are where the refusal is raised: of a 401 in `bearer` and `verifier`, of a 403 in `policy`, and
for single tools in `tool_policy`.
"""

import base64
import math
from collections.abc import Callable

import orjson
from aiohttp import hdrs, web

from mcpsecurity_server.auth.errors import (
    AuthError,
    InsufficientClaims,
    InsufficientScope,
    NotPermitted,
    Unavailable,
)


class Challenger:
    """Turns an `AuthError` into a response.

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
