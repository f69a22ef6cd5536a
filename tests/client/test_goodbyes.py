"""What is said when a session ends: nothing that a person would take for a fault."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web
from tests.client.odd import GREETING, rpc
from tests.support.eventually import eventually
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ServerUnavailableError

LOGGED = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "done"}}


class Leaving:
    """A server that answers the end of a session so, after it has logged a few lines, as Desktop Commander
    does; 0 breaks the connection."""

    def __init__(self, status: int) -> None:
        self._status = status
        self._ending = asyncio.Event()
        self.listened: list[str] = []
        self.told: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method == "GET":
            return await self._listened(request, "listening")
        if request.method == "DELETE":
            return await self._left(request)
        message = await request.json()
        if "id" not in message:
            return web.Response(status=202)
        if message["method"] == "tools/call":
            return await self._listened(request, "calling")
        return web.json_response(rpc(message, GREETING), headers={"Mcp-Session-Id": "s1"})

    async def _listened(self, request: web.Request, how: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.listened.append(how)
        await self._ending.wait()
        with suppress(ConnectionResetError):  # a call is left at once
            for _ in range(5):
                await response.write(f"event: message\ndata: {json.dumps(LOGGED)}\n\n".encode())
        self.told.append(how)
        return response

    async def _left(self, request: web.Request) -> web.Response:
        self._ending.set()
        await eventually(lambda: "listening" in self.told)
        if not self._status and request.transport is not None:
            request.transport.close()
        return web.json_response({"error": "Session not found"}, status=self._status or 500)


@asynccontextmanager
async def connected(server: Leaving) -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)
    async with on_loopback(app, "/mcp") as url, McpConnection(url, timeout=30) as connection:
        await eventually(lambda: "listening" in server.listened)
        yield connection


def said_by_the_client(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name.startswith("mcp")]


@pytest.mark.parametrize("status", [200, 400, 404, 405, 500, 0])
async def test_the_end_of_a_session_is_no_fault_whatever_the_server_says_to_it(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server = Leaving(status)
    with caplog.at_level(logging.WARNING):
        async with connected(server):
            pass
    assert server.told == ["listening"], "it logged while the session ended"
    assert said_by_the_client(caplog) == []


async def test_a_call_that_still_runs_ends_with_the_session_and_is_not_heard_any_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = Leaving(200)
    with caplog.at_level(logging.WARNING):
        async with connected(server) as connection:
            call = asyncio.create_task(connection.call_tool("t", {}))
            await eventually(lambda: "calling" in server.listened)
        with pytest.raises(ServerUnavailableError) as caught:
            await call
    assert caught.value.outcome_is_unknown
    assert said_by_the_client(caplog) == []
