"""`/health`: tells people and probes that the server runs. Public, and says nothing that is not."""

from collections.abc import Callable
from datetime import UTC, datetime

from aiohttp import web

__all__ = ["HEALTH_PATH", "add_health_route"]

HEALTH_PATH = "/health"


def add_health_route(app: web.Application, mcp_path: str, clock: Callable[[], float]) -> web.AbstractRoute:
    """Serve the health text; return the route."""

    async def health(_: web.Request) -> web.Response:
        now = datetime.fromtimestamp(clock(), UTC).strftime("%Y-%m-%d %H:%M:%S")
        text = f"Secure MCP server running deployed: UTC: {now}, use {mcp_path} path to use the tools"
        return web.Response(text=text, headers={"Cache-Control": "no-store"})

    return app.router.add_get(HEALTH_PATH, health)
