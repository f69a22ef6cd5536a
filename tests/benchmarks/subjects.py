"""The servers that are measured, each a process of its own.

    python -m tests.benchmarks.subjects NAME PORT

All offer the tool `get_random_number` with the arguments and the structured result that it has in
`mcpsecurity server`, which is measured beside them.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from random import SystemRandom
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from mcpsecurity.runtime.service import run_service
from mcpsecurity.settings import configure_logging

__all__ = ["SUBJECTS"]

_random = SystemRandom()


class RandomNumber(BaseModel):
    """A random whole number with min <= number < max."""

    number: int
    min: int
    max: int


class Range(BaseModel):
    """Arguments of the tool."""

    min: int = 0
    max: int = 100


def draw(least: int, limit: int) -> RandomNumber:
    """Return a random number."""
    return RandomNumber(number=_random.randrange(least, limit), min=least, max=limit)


def bare(port: int) -> None:
    """Serve a plain aiohttp handler that reads JSON and writes a result of the same form."""

    async def handle(request: web.Request) -> web.Response:
        message = await request.json()
        limits = message["params"]["arguments"]
        drawn = {"number": _random.randrange(limits["min"], limits["max"]), **limits}
        content = [{"type": "text", "text": json.dumps(drawn)}]
        result = {"content": content, "structuredContent": drawn, "isError": False}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    def create() -> web.Application:
        app = web.Application()
        app.router.add_post("/mcp", handle)
        return app

    run_service(create, host="127.0.0.1", port=port, name="bare")


def sdk(port: int, *, as_json: bool) -> None:
    """Serve the SDK's own Streamable HTTP application on uvicorn, with sessions as it has by default."""
    import uvicorn
    from mcp.server.fastmcp import FastMCP

    mcp: FastMCP[Any] = FastMCP("Subject", json_response=as_json, log_level="ERROR")

    @mcp.tool()
    async def get_random_number(min: int = 0, max: int = 100) -> RandomNumber:  # noqa: A002 - the contract's
        """Generate a random whole number."""
        return draw(min, max)

    uvicorn.run(mcp.streamable_http_app(), port=port, log_level="error", access_log=False)


def mounted(port: int) -> None:
    """Serve a plain FastMCP program with the transport, and nothing of the server around it."""
    from mcp.server.fastmcp import FastMCP

    from mcpsecurity_server.transport import mount_mcp

    mcp: FastMCP[Any] = FastMCP("Subject")

    @mcp.tool()
    async def get_random_number(min: int = 0, max: int = 100) -> RandomNumber:  # noqa: A002 - the contract's
        """Generate a random whole number."""
        return draw(min, max)

    def create() -> web.Application:
        app = web.Application()
        mount_mcp(app, mcp)
        return app

    run_service(create, host="127.0.0.1", port=port, name="mounted")


def tiny(port: int) -> None:
    """Serve aiohttp-tiny-mcp."""
    from aiohttp_tiny_mcp import Endpoint, Exchange, Registry

    registry = Registry("subject", "1")

    @registry.tool
    async def get_random_number(args: Range, ex: Exchange) -> RandomNumber:
        """Generate a random whole number."""
        return draw(args.min, args.max)

    def create() -> web.Application:
        app = web.Application()
        Endpoint(registry).setup(app, "/mcp")
        return app

    run_service(create, host="127.0.0.1", port=port, name="tiny")


def watched(port: int) -> None:
    """Serve what `mcpsecurity server --no-auth` serves, and at `/tasks` how many tasks there are."""
    from mcpsecurity_server.app import create_app
    from mcpsecurity_server.settings import ServerSettings

    def create() -> web.Application:
        url = f"http://127.0.0.1:{port}/mcp"
        app = create_app(ServerSettings(no_auth=True, url=url, port=port))
        app.router.add_get("/tasks", lambda _: _count())
        return app

    async def _count() -> web.Response:
        return web.json_response(len(asyncio.all_tasks()))

    configure_logging("INFO")
    run_service(create, host="127.0.0.1", port=port, name="watched")


SUBJECTS: dict[str, Callable[[int], None]] = {
    "bare": bare,
    "mounted": mounted,
    "sdk-sse": lambda port: sdk(port, as_json=False),
    "sdk-json": lambda port: sdk(port, as_json=True),
    "tiny": tiny,
    "watched": watched,
}

if __name__ == "__main__":
    SUBJECTS[sys.argv[1]](int(sys.argv[2]))
