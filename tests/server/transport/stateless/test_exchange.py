"""A client that leaves cancels its request; one that stays gets its answer however long it takes."""

import asyncio
import itertools
from typing import Any

from mcp.server.fastmcp import Context, FastMCP
from tests.server.transport.stateless.conftest import Connect

from mcpsecurity_server.transport import Limits

ToolContext = Context[Any, Any, Any]


class Waiting:
    """A program with a tool that waits, and tells how it ended."""

    def __init__(self) -> None:
        self.mcp: FastMCP[Any] = FastMCP()
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.go_on = asyncio.Event()
        self.cancelled = False

        @self.mcp.tool()
        async def wait(ctx: ToolContext, report: bool = False) -> str:
            if report:
                await ctx.report_progress(1, 2)
            self.started.set()
            try:
                await self.go_on.wait()
            except asyncio.CancelledError:
                self.cancelled = True
                raise
            finally:
                self.ended.set()
            return "waited"


async def leave(connect: Connect, *, report: bool) -> Waiting:
    waiting = Waiting()
    outcomes: list[str] = []

    def after_call(name: str, outcome: str, seconds: float) -> None:
        outcomes.append(outcome)

    async with connect(waiting.mcp, after_call=after_call) as client, asyncio.timeout(30):
        params = {"name": "wait", "arguments": {"report": report}}
        if report:
            params["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                "progressToken": 1,
            }

        async def ask() -> None:
            async with client.open("tools/call", params) as response:
                await response.read()

        asking = asyncio.create_task(ask())
        await waiting.started.wait()
        asking.cancel()
        await waiting.ended.wait()
    assert outcomes == ["cancelled"]
    return waiting


async def test_a_client_that_leaves_before_anything_was_sent_has_cancelled(connect: Connect) -> None:
    assert (await leave(connect, report=False)).cancelled


async def test_a_client_that_leaves_a_stream_has_cancelled(connect: Connect) -> None:
    assert (await leave(connect, report=True)).cancelled


async def test_a_long_call_becomes_a_stream_that_is_kept_alive(connect: Connect) -> None:
    waiting = Waiting()
    limits = Limits(stream_after_seconds=0.1, keep_alive_seconds=0.1)
    async with (
        connect(waiting.mcp, limits=limits) as client,
        asyncio.timeout(30),
        client.open("tools/call", {"name": "wait"}) as response,
    ):
        comments = 0
        async for line in response.content:
            comments += line.startswith(b":")
            if comments == 2:
                waiting.go_on.set()
            if line.startswith(b"data: "):
                break
    assert comments >= 2
    assert b'"waited"' in line


async def test_a_server_that_stops_lets_calls_finish_and_cancels_those_that_do_not(connect: Connect) -> None:
    waiting = Waiting()
    async with asyncio.timeout(30):
        async with connect(waiting.mcp, limits=Limits(stop_seconds=0.05)) as client:
            asking = asyncio.create_task(client.call("wait"))
            await waiting.started.wait()
            await client.mounted.stop(None)  # type: ignore[arg-type] # the application is not looked at
            assert waiting.cancelled
        await asyncio.gather(asking, return_exceptions=True)


async def test_too_many_calls_of_one_caller_at_once_are_refused(connect: Connect) -> None:
    waiting = Waiting()
    async with connect(waiting.mcp, limits=Limits(calls_per_caller=1)) as client, asyncio.timeout(30):
        asking = asyncio.create_task(client.call("wait"))
        await waiting.started.wait()
        refused = await client.call("wait")
        waiting.go_on.set()
        done = await asking
        waiting.started.clear()
        again = await client.call("wait")
    assert refused.status == 429
    assert (done.status, again.status) == (200, 200)


async def test_a_client_that_does_not_read_has_cancelled(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()
    ended = asyncio.Event()

    @mcp.tool()
    async def flood(ctx: ToolContext) -> None:
        try:
            for number in itertools.count():
                await ctx.report_progress(number, message="x" * 10_000)
        finally:
            ended.set()

    limits = Limits(patience_seconds=0.2)
    async with connect(mcp, limits=limits) as client, asyncio.timeout(30):
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "progressToken": 1,
        }
        async with client.open("tools/call", {"name": "flood", "_meta": meta}):
            await ended.wait()
