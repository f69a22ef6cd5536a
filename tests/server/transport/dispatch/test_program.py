"""Which programs can be mounted: the SDK's two kinds; everything else is refused with a sentence."""

import asyncio
import logging
from typing import Any

import pytest
from aiohttp import web
from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.transport import mount_mcp


def low_level() -> Server[Any, Any]:
    server: Server[Any, Any] = Server("Low", version="3.1", instructions="Add numbers.")

    @server.list_tools()  # type: ignore[no-untyped-call,untyped-decorator] # the SDK has no type
    async def list_tools() -> list[types.Tool]:
        schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
        return [types.Tool(name="double", inputSchema=schema)]

    @server.call_tool()  # type: ignore[untyped-decorator] # as above
    async def call_tool(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        session = server.request_context.session
        if arguments["a"] == 0:
            answer = await session.elicit_form("Which number?", {"type": "object", "properties": {}})
            return {"action": answer.action}
        return {"doubled": 2 * arguments["a"]}

    return server


async def test_a_low_level_server_is_served_with_the_capabilities_that_it_has() -> None:
    async def ask(context: Any, params: Any) -> types.ElicitResult | types.ErrorData:
        return types.ElicitResult(action="decline")

    app = web.Application()
    mount_mcp(app, low_level())
    runner = await started_runner(app)
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    try:
        async with (
            asyncio.timeout(30),
            streamable_http_client(url) as (read, write, _),
            ClientSession(read, write, elicitation_callback=ask) as session,
        ):
            started = await session.initialize()
            assert (started.serverInfo.name, started.serverInfo.version) == ("Low", "3.1")
            assert started.instructions == "Add numbers."
            declared = started.capabilities.model_dump(exclude_none=True, exclude_unset=True)
            assert set(declared) - {"experimental"} == {"tools"}
            assert [tool.name for tool in (await session.list_tools()).tools] == ["double"]
            assert (await session.call_tool("double", {"a": 4})).structuredContent == {"doubled": 8}
            assert (await session.call_tool("double", {"a": "x"})).isError
            assert (await session.call_tool("double", {"a": 0})).structuredContent == {"action": "decline"}
            with pytest.raises(McpError, match="Method not found"):
                await session.list_prompts()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("other", [object(), "a string", FastMCP, web.Application()])
def test_anything_else_is_refused_with_a_sentence(other: Any) -> None:
    with pytest.raises(TypeError, match=r"^mount_mcp serves an instance of mcp\.server\.fastmcp"):
        mount_mcp(web.Application(), other)


def test_custom_routes_are_refused_aloud() -> None:
    mcp: FastMCP[Any] = FastMCP("With a route", log_level="WARNING")

    @mcp.custom_route("/status", methods=["GET"])  # type: ignore[untyped-decorator] # as above
    async def status(_: Request) -> Response:
        return PlainTextResponse("fine")

    with pytest.raises(ValueError, match="The custom routes /status of 'With a route' are Starlette's"):
        mount_mcp(web.Application(), mcp)


def test_a_program_that_wants_no_sessions_is_refused_aloud() -> None:
    mcp: FastMCP[Any] = FastMCP("Without", stateless_http=True, log_level="WARNING")
    with pytest.raises(ValueError, match="'Without' has stateless_http=True"):
        mount_mcp(web.Application(), mcp)


def test_a_program_that_wants_json_is_told_that_it_has_it(caplog: pytest.LogCaptureFixture) -> None:
    mcp: FastMCP[Any] = FastMCP("Plain", json_response=True, log_level="WARNING")
    with caplog.at_level(logging.WARNING):
        mount_mcp(web.Application(), mcp)
    assert "json_response of 'Plain' changes nothing" in caplog.text
