"""A stream that breaks while a call runs, for good: the call ends with an error, and was made once only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ServerUnavailableError
from mcpsecurity.client.event_streams import RequestStream
from mcpsecurity.client.time_limits import OpenPost

GREETING = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "breaks", "version": "1"},
}
NOTE = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"at work"}}'


class Breaking:
    """A server that begins to answer each call and then drops the connection.

    It sends `first`; the first client that resumes gets `then` before that connection is dropped, too.
    """

    def __init__(self, first: str, then: str | None = None) -> None:
        self._first = first.encode()
        self._then = then
        self.calls = 0
        self.resumed: list[str] = []

    async def post(self, request: web.Request) -> web.StreamResponse:
        message = await request.json()
        if message["method"] == "initialize":
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": GREETING})
        if message["method"] != "tools/call":
            return web.Response(status=202)
        self.calls += 1
        return await dropped(request, self._first)

    async def get(self, request: web.Request) -> web.StreamResponse:
        self.resumed.append(last := request.headers.get("Last-Event-ID", ""))
        then, self._then = (self._then, None) if last else (None, self._then)
        return web.Response(status=503) if then is None else await dropped(request, then.encode())


async def dropped(request: web.Request, text: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(text)
    assert request.transport is not None
    request.transport.close()
    return response


@asynccontextmanager
async def connected(server: Breaking) -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_post("/mcp", server.post)
    app.router.add_get("/mcp", server.get)
    async with on_loopback(app, "/mcp") as url, McpConnection(url) as connection:
        yield connection


async def test_a_stream_that_nobody_can_resume_ends_its_call() -> None:
    server = Breaking(f"retry: 20\nid: here-1\nevent: message\ndata: {NOTE}\n\n")
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
            await connection.call_tool("any", {})
    assert server.calls == 1
    assert server.resumed.count("here-1") == 2


@pytest.mark.parametrize("then", ["", f"id: here-2\nevent: message\ndata: {NOTE}\n\n"])
async def test_a_resumed_stream_that_breaks_in_turn_and_for_good_ends_its_call(then: str) -> None:
    server = Breaking(f"retry: 20\nid: here-1\nevent: message\ndata: {NOTE}\n\n", then)
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
            await connection.call_tool("any", {})
    assert server.calls == 1
    last = "here-2" if then else "here-1"
    assert server.resumed[-2:] == [last, last], "twice from where it was broken off"


async def test_a_stream_without_ids_that_breaks_ends_its_call() -> None:
    server = Breaking(f"event: message\ndata: {NOTE}\n\n")
    async with connected(server) as connection:
        for number in (1, 2):
            with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
                await connection.call_tool("any", {})
            assert server.calls == number


@pytest.mark.parametrize(
    "chunks",
    [
        [b"id: 7\n", b"data: x\n\n"],
        [b"i", b"d:", b" 7\r", b"\ndata: x\r\n\r\n"],
        [b"id: 7\ndata: ", *[b"id: 8 " * 1000] * 20, b"\n\n"],
        [b"id: 7\ndata: x", b"\xff\n\n"],
    ],
)
async def test_the_last_id_of_a_stream_is_found_however_it_comes(chunks: list[bytes]) -> None:
    class Pieces(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

    asked: list[str] = []

    async def resume(last_id: str) -> httpx.Response:
        asked.append(last_id)
        return httpx.Response(503)

    response = httpx.Response(200, stream=Pieces())
    stream = RequestStream(response, 1, OpenPost(), resume=resume, failed=lambda *_: b"failed", seconds=0)
    assert [chunk async for chunk in stream][-1] == b"failed"
    assert asked == ["7", "7"]
