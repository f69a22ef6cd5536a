"""`/health` tells that the server runs, `/ready` that it can answer requests.

Both are public and disclose nothing else.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from aiohttp import web

from mcpsecurity.oidc import ProviderError
from mcpsecurity.redis.errors import RedisUnavailableError

HEALTH_PATH = "/health"
READY_PATH = "/ready"


def add_health_route(app: web.Application, mcp_path: str, clock: Callable[[], float]) -> web.AbstractRoute:
    """Serve the health text; return the route."""

    async def health(_: web.Request) -> web.Response:
        now = datetime.fromtimestamp(clock(), UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = f"Secure MCP server running deployed: UTC: {now}, use {mcp_path} path to use the tools"
        return web.Response(text=text, headers={"Cache-Control": "no-store"})

    return app.router.add_get(HEALTH_PATH, health)


def add_ready_route(
    app: web.Application, checks: Mapping[str, Callable[[], Awaitable[None]]]
) -> web.AbstractRoute:
    """Serve whether requests can be answered; return the route. 503 names each of `checks` that raises."""

    async def ready(_: web.Request) -> web.Response:
        missing = []
        for name, check in checks.items():
            try:
                await check()
            except (RedisUnavailableError, ProviderError):
                missing.append(name)
        body = {"ready": not missing, "missing": missing}
        return web.json_response(body, status=503 if missing else 200, headers={"Cache-Control": "no-store"})

    return app.router.add_get(READY_PATH, ready)
