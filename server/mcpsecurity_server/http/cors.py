"""Cross-origin calls from browsers (CORS): allowed only from the configured origins."""

from collections.abc import Iterable

import aiohttp_cors
from aiohttp import web

_REQUEST_HEADERS = (
    "Accept", "Authorization", "Content-Type", "Last-Event-ID", "MCP-Protocol-Version", "Mcp-Method",
    "Mcp-Name", "Mcp-Session-Id",
)  # fmt: skip
_RESPONSE_HEADERS = ("MCP-Protocol-Version", "Mcp-Session-Id", "WWW-Authenticate")


def allow_origins(app: web.Application, routes: Iterable[web.AbstractRoute], origins: Iterable[str]) -> None:
    """Let scripts of `origins` call the routes and read the response headers that MCP clients need.

    Cookies are never allowed: the access token is the only credential.
    """
    options = {
        "allow_credentials": False,
        "allow_headers": _REQUEST_HEADERS,
        "expose_headers": _RESPONSE_HEADERS,
        "max_age": 3600,
    }
    cors = aiohttp_cors.setup(app, defaults=dict.fromkeys(origins, options))
    for route in routes:
        cors.add(route)
