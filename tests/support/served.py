"""MCP servers for tests of clients, on free ports."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.transport import mount_mcp

__all__ = ["Serve", "serving"]

Serve = Callable[..., AbstractAsyncContextManager[str]]


def serving() -> Serve:
    """Return a context manager that serves a FastMCP instance and gives its URL."""

    @asynccontextmanager
    async def served(mcp: FastMCP[Any], *middlewares: Any, port: int = 0) -> AsyncIterator[str]:
        app = web.Application(middlewares=middlewares)
        mount_mcp(app, mcp)
        runner = await started_runner(app, port=port)
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
        finally:
            await runner.cleanup()

    return served
