"""A call whose caller has left does not keep its POST open at a server that never answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.client.odd import GREETING, rpc, said
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ServerUnavailableError, result_text


class SilentServer:
    """Never answers calls of the tools `nothing`, `json` and `stream`; the latter two get a beginning."""

    def __init__(self) -> None:
        self.begun = asyncio.Queue[str]()
        self.ended = asyncio.Queue[str]()
        self.cancelled: list[int] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        message = await request.json() if request.method == "POST" else {}
        match message:
            case {"method": "initialize"}:
                return web.json_response(rpc(message, GREETING))
            case {"method": "notifications/cancelled", "params": {"requestId": number}}:
                self.cancelled.append(number)
            case {"method": "tools/call", "params": {"name": "nothing" | "json" | "stream" as name}}:
                await self._stay_silent(request, name)
            case {"method": "tools/list"}:
                await self._stay_silent(request, "nothing")
            case {"id": _}:
                return web.json_response(said(message))
        return web.Response(status=202 if message else 405)

    async def _stay_silent(self, request: web.Request, name: str) -> None:
        try:
            if name != "nothing":
                kind = "text/event-stream" if name == "stream" else "application/json"
                response = web.StreamResponse(headers={"Content-Type": kind})
                await response.prepare(request)
                await response.write(b": silent\n\n" if name == "stream" else b"{")
            self.begun.put_nowait(name)
            await asyncio.Event().wait()
        finally:
            self.ended.put_nowait(name)


@asynccontextmanager
async def connected(server: SilentServer, seconds: float = 20) -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)
    async with (
        on_loopback(app, "/mcp", handler_cancellation=True) as url,
        McpConnection(url, timeout=seconds) as connection,
    ):
        yield connection


@pytest.mark.parametrize("tool", ["nothing", "json", "stream"])
async def test_a_cancelled_call_ends_its_post_while_the_session_stays_open(tool: str) -> None:
    server = SilentServer()
    async with connected(server) as connection, asyncio.timeout(30):
        call = asyncio.create_task(connection.call_tool(tool, {}))
        assert await server.begun.get() == tool
        call.cancel()
        assert await server.ended.get() == tool
        with pytest.raises(asyncio.CancelledError):
            await call
        assert result_text(await connection.call_tool("other", {})) == "fine"
        assert len(server.cancelled) == 1


@pytest.mark.slow
async def test_a_listing_that_takes_too_long_ends_its_post() -> None:
    server = SilentServer()
    async with connected(server, seconds=1.5) as connection, asyncio.timeout(30):
        with pytest.raises(ServerUnavailableError, match="did not answer"):
            await connection.list_tools()
        assert await server.ended.get() == "nothing"
        assert result_text(await connection.call_tool("other", {})) == "fine"
