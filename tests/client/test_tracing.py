"""Requests carry the trace in which they are made in `params._meta` (SEP-414), if there is one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiohttp import web
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import Context, FastMCP
from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from pydantic import BaseModel
from semantic_kernel import Kernel
from tests.support.served import on_loopback

from mcpsecurity import import_mcp_tools
from mcpsecurity.approval import APPROVED_META
from mcpsecurity.client import McpConnection
from mcpsecurity_server.transport import mount_mcp
from mcpsecurity_server.transport.dispatch.dispatcher import Call
from mcpsecurity_server.transport.dispatch.instrumentation import Activity
from mcpsecurity_server.transport.jsonrpc import Request

HERE = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))
CARRIED = f"00-{HERE.trace_id:032x}-{HERE.span_id:016x}-01"


class Sure(BaseModel):
    """A form."""

    sure: bool


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Program")

    @mcp.tool()
    async def quick(ctx: Context[Any, Any, Any]) -> str:
        """Answer at once."""
        await ctx.report_progress(1.0, 1.0)
        return "quick"

    @mcp.tool()
    async def careful(ctx: Context[Any, Any, Any]) -> str:
        """Ask first."""
        return (await ctx.elicit("Sure?", Sure)).model_dump_json()

    @mcp.prompt()
    def hello() -> str:
        """Greet."""
        return "hello"

    return mcp


class Recorder:
    """An observer that keeps what was asked, by method: its `_meta`."""

    def __init__(self) -> None:
        self.metas: dict[str, Any] = {}

    async def wrap(self, request: Request, call: Call, run: Awaitable[Any]) -> Any:  # noqa: ARG002
        self.metas[request.method] = request.params.get("_meta")
        return await run

    def observe(self, activity: Callable[[], Activity], is_tool: Callable[[Any], bool]) -> None:
        """Nothing is counted here."""


def served(seen: Recorder) -> AbstractAsyncContextManager[str]:
    app = web.Application()
    mount_mcp(app, program(), instrumentation=seen)
    return on_loopback(app, "/mcp")


@contextmanager
def in_a_trace() -> Iterator[None]:
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(HERE)))
    try:
        yield
    finally:
        context.detach(token)


async def test_every_request_of_a_connection_carries_the_trace() -> None:
    seen = Recorder()
    async with served(seen) as url, McpConnection(url) as connection:
        with in_a_trace():
            await connection.list_tools()
            await connection.call_tool("quick", {})
            await connection.get_prompt("hello", {})
    for method in ("tools/list", "tools/call", "prompts/get"):
        assert seen.metas[method]["traceparent"] == CARRIED, method


async def test_it_leaves_what_else_is_in_meta_and_progress_works() -> None:
    seen = Recorder()
    heard: list[float] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async with served(seen) as url, McpConnection(url) as connection:
        with in_a_trace():
            await connection.call_tool("quick", {}, progress, {APPROVED_META: True})
    meta = seen.metas["tools/call"]
    assert (meta["traceparent"], meta[APPROVED_META]) == (CARRIED, True)
    assert isinstance(meta["progressToken"], int)
    assert heard == [1.0]


@pytest.mark.parametrize("traced", [True, False])
async def test_so_do_calls_of_tools_that_were_imported_from_somebody_elses_session(
    traced: bool,
) -> None:
    seen, kernel = Recorder(), Kernel()
    async with served(seen) as url, sdk_session(url) as session:
        plugin = await import_mcp_tools(kernel, session)
        if traced:
            with in_a_trace():
                result = await plugin["quick"].invoke(kernel)
        else:
            result = await plugin["quick"].invoke(kernel)
    assert result is not None
    assert "quick" in str(result.value)
    assert seen.metas["tools/call"] == ({"traceparent": CARRIED} if traced else None)


async def test_what_arrives_later_is_not_of_the_trace_in_which_the_connection_was_opened() -> None:
    where: list[bool] = []

    async def ask(context: Any, params: Any) -> types.ElicitResult:
        where.append(trace.get_current_span().get_span_context().is_valid)
        return types.ElicitResult(action="accept", content={"sure": True})

    async with served(Recorder()) as url:
        connection = McpConnection(url, elicitation=ask)
        with in_a_trace():
            await connection.open()
        try:
            assert "sure" in str((await connection.call_tool("careful", {})).content)
        finally:
            await connection.aclose()
    assert where == [False]


async def test_without_a_trace_nothing_is_sent() -> None:
    seen = Recorder()
    async with served(seen) as url, McpConnection(url) as connection:
        await connection.list_tools()
        await connection.call_tool("quick", {})
    assert seen.metas["tools/call"] is None
    assert seen.metas["tools/list"] is None


@asynccontextmanager
async def sdk_session(url: str) -> AsyncIterator[ClientSession]:
    async with (
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session
