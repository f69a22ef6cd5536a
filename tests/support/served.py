"""Applications and MCP servers for tests of clients, on free ports of loopback."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ssl import SSLContext
from typing import Any

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.runtime.service import ServiceRunner
from mcpsecurity_server.transport import mount_mcp

__all__ = ["Serve", "on_loopback", "serving"]

Serve = Callable[..., AbstractAsyncContextManager[str]]


@asynccontextmanager
async def on_loopback(
    app: web.Application, path: str = "", *, port: int = 0, tls: SSLContext | None = None, **options: Any
) -> AsyncIterator[str]:
    """Serve an application, and give the URL of a path there. `options` are those of `ServiceRunner`.

    Requests that still run at the end get a moment only.
    """
    runner = ServiceRunner(app, **{"shutdown_timeout": 0.2, **options})
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls).start()
        origin = "http://127.0.0.1" if tls is None else "https://localhost"
        yield f"{origin}:{runner.addresses[0][1]}{path}"
    finally:
        await runner.cleanup()


def serving() -> Serve:
    """Return a context manager that serves a FastMCP instance and gives its URL."""

    @asynccontextmanager
    async def served(mcp: FastMCP[Any], *middlewares: Any, port: int = 0) -> AsyncIterator[str]:
        app = web.Application(middlewares=middlewares)
        mount_mcp(app, mcp)
        async with on_loopback(app, "/mcp", port=port) as url:
            yield url

    return served
