"""A stream that breaks while a call runs, for good: the call ends with an error, and was made once only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from mcpsecurity.bridge import McpConnection, ServerUnavailableError
from mcpsecurity.service import started_runner

pytestmark = pytest.mark.timeout(30)
GREETING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "breaks", "version": "1"},
}
NOTE = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"at work"}}'


class Breaking:
    """A server that begins to answer each call and then drops the connection. `first` is what it sends."""

    def __init__(self, first: str) -> None:
        self._first = first.encode()
        self.calls = 0
        self.resumed: list[str] = []

    async def post(self, request: web.Request) -> web.StreamResponse:
        message = await request.json()
        if message["method"] == "initialize":
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": GREETING})
        if message["method"] != "tools/call":
            return web.Response(status=202)
        self.calls += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(self._first)
        assert request.transport is not None
        request.transport.close()
        return response

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.resumed.append(request.headers.get("Last-Event-ID", ""))
        return web.Response(status=503)


@asynccontextmanager
async def connected(server: Breaking) -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_post("/mcp", server.post)
    app.router.add_get("/mcp", server.get)
    runner = await started_runner(app)
    try:
        async with McpConnection(f"http://127.0.0.1:{runner.addresses[0][1]}/mcp") as connection:
            yield connection
    finally:
        await runner.cleanup()


async def test_a_stream_that_nobody_can_resume_ends_its_call() -> None:
    server = Breaking(f"retry: 20\nid: here-1\nevent: message\ndata: {NOTE}\n\n")
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
            await connection.call_tool("any", {})
    assert server.calls == 1
    assert server.resumed.count("here-1") == 2


async def test_a_stream_without_ids_that_breaks_ends_its_call() -> None:
    server = Breaking(f"event: message\ndata: {NOTE}\n\n")
    async with connected(server) as connection:
        for number in (1, 2):
            with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
                await connection.call_tool("any", {})
            assert server.calls == number
