"""The answer to a refused request (RFC 6750, section 3; RFC 9728, section 5.1; MCP authorization)."""

import math
from collections.abc import Callable

import orjson
from aiohttp import hdrs, web

from mcpsecurity_server.auth.errors import AuthError, InsufficientScope, NotPermitted, Unavailable

__all__ = ["Challenger"]


class Challenger:
    """Turns refusals into responses.

    `metadata_url` is where the protected resource metadata is; `base_scope` the permission (short name) that
    every call needs; `full_scope` puts the Application ID URI in front of a short name.
    """

    def __init__(self, metadata_url: str, base_scope: str, full_scope: Callable[[str], str]) -> None:
        self._metadata_url = metadata_url
        self._base_scope = base_scope
        self._full_scope = full_scope

    def response(self, refusal: AuthError) -> web.Response:
        """Return the response for a refusal, with a challenge where another token could help."""
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        if isinstance(refusal, Unavailable):
            headers[hdrs.RETRY_AFTER] = str(math.ceil(refusal.retry_after))
        elif not isinstance(refusal, NotPermitted):
            headers[hdrs.WWW_AUTHENTICATE] = self._challenge(refusal)
        body = {"error": refusal.error or "unauthorized", "error_description": refusal.description}
        return web.Response(
            status=refusal.status, body=orjson.dumps(body), content_type="application/json", headers=headers
        )

    def _challenge(self, refusal: AuthError) -> str:
        scopes = refusal.scopes if isinstance(refusal, InsufficientScope) else (self._base_scope,)
        parameters = {
            "error": refusal.error,
            "error_description": refusal.description if refusal.error else None,
            "scope": " ".join(self._full_scope(scope) for scope in scopes),
            "resource_metadata": self._metadata_url,
        }
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)
