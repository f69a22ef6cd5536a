"""The body of a refusal is read as far as its words go, before the request is sent with another token."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler
from mcp.server.fastmcp import FastMCP
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, TokenAuth
from mcpsecurity_server.transport import mount_mcp

MOST = 64 * 1024 * 1024


async def test_a_refusal_that_is_very_long_is_not_read_to_its_end() -> None:
    written = 0

    @web.middleware
    async def refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal written
        if request.headers.get("Authorization") == "Bearer fresh":
            return await handler(request)
        response = web.StreamResponse(status=401)
        await response.prepare(request)
        try:
            while written < 2 * MOST:
                await response.write(b"x" * 65536)
                written += 65536
        except ConnectionError:
            pass  # it is read no further
        return response

    async def token(force: bool) -> str:
        return "fresh" if force else "old"

    app = web.Application(middlewares=[refusing])
    mount_mcp(app, FastMCP("Bakery"))
    async with (
        asyncio.timeout(60),
        on_loopback(app, "/mcp") as url,
        McpConnection(url, auth=TokenAuth(token)) as connection,
    ):
        assert await connection.list_tools() == []
    assert written < MOST
