"""A server that has the older transport HTTP+SSE only: it is told from one that is broken."""

import asyncio

import pytest
from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ServerUnavailableError

ENDPOINT = b"event: endpoint\r\ndata: /mcp?session_id=a534cab544a74d729c35f9066210a139\r\n\r\n"
PING = b"event: ping\ndata: 1\n\n"


class Older:
    """A server that refuses a POST as aiohttp-mcp 0.7 does by default; `streamed` begins what a GET gets."""

    def __init__(self, status: int, said: str, streamed: bytes | None) -> None:
        self._status, self._said, self.streamed = status, said, streamed
        self.left = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "POST" or self.streamed is None:
            return web.Response(status=self._status, text=self._said)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(self.streamed)
        try:
            await asyncio.Event().wait()  # such a stream stays open
        finally:
            self.left.set()
        return response


async def told_by(server: Older) -> str:
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)
    async with on_loopback(app, "/mcp", handler_cancellation=True) as url:
        with pytest.raises(ServerUnavailableError) as caught:
            await McpConnection(url, timeout=30).open()
        if server.streamed is not None:
            await asyncio.wait_for(server.left.wait(), 30)
    return str(caught.value)


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "No session ID provided"), (404, "404: Not Found"), (405, "405: Method Not Allowed")],
)
async def test_a_server_with_the_older_transport_only_is_told_from_a_broken_one(
    status: int, said: str
) -> None:
    told = await told_by(Older(status, said, ENDPOINT))
    assert "speaks the older transport HTTP+SSE, which is not supported" in told


@pytest.mark.parametrize("streamed", [None, PING])
async def test_a_server_that_only_refuses_is_quoted(streamed: bytes | None) -> None:
    told = await told_by(Older(400, "No session ID provided", streamed))
    assert told.endswith("answered with HTTP status 400. It says: No session ID provided.")
