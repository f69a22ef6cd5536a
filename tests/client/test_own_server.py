"""Our client and our server, which speaks in both ways: what a person gets does not depend on the way."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import pytest
from aiohttp import web
from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel, Field
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ProtocolError, result_text
from mcpsecurity.client.eras import HANDSHAKE, STATELESS, Era
from mcpsecurity_server.transport import mount_mcp

ToolContext = Context[Any, Any, Any]


class Name(BaseModel):
    name: str


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Program")

    @mcp.tool()
    async def talk(ctx: ToolContext) -> str:
        await ctx.report_progress(1, 2)
        name = await ctx.elicit("What is your name?", Name)
        await ctx.report_progress(2, 2)
        other = await ctx.elicit("And the other one?", Name)
        return f"{name.action} {getattr(name, 'data', None)} {other.action}"

    @mcp.tool()
    async def connect(ctx: ToolContext) -> str:
        answer = await ctx.elicit_url("Connect your account", "https://example.com/connect", "connect-1")
        return f"connected: {answer.action}"

    @mcp.tool()
    async def think(ctx: ToolContext) -> str:
        text = types.TextContent(type="text", text="hi")
        message = types.SamplingMessage(role="user", content=text)
        said = await ctx.session.create_message([message], max_tokens=5)
        return f"thought: {getattr(said.content, 'text', None)}"

    @mcp.tool()
    async def route(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
        return f"routed to {region}"

    @mcp.tool()
    async def fail() -> str:
        raise ValueError("it rains")

    @mcp.prompt()
    def greet(name: str) -> str:
        return f"Greet {name}"

    @mcp.resource("note://{key}")
    def note(key: str) -> str:
        return f"note {key}"

    return mcp


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    app = web.Application()
    mount_mcp(app, program())
    async with on_loopback(app, "/mcp") as url:
        yield url


@pytest.fixture(params=[HANDSHAKE, STATELESS], ids=["in a session", "without"])
async def connection(url: str, request: pytest.FixtureRequest) -> AsyncIterator[McpConnection]:
    async def accept(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        is_url = isinstance(params, types.ElicitRequestURLParams)
        return types.ElicitResult(action="accept", content=None if is_url else {"name": "Ada"})

    async def generate(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        text = types.TextContent(type="text", text="hello")
        return types.CreateMessageResult(role="assistant", content=text, model="m")

    connection = McpConnection(url, elicitation=accept, sampling=generate, timeout=10)
    era: Era = request.param
    connection.era = era
    async with asyncio.timeout(30), connection:
        assert connection.era is era
        yield connection


async def test_tools_ask_the_person_and_the_model(connection: McpConnection) -> None:
    reported: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append(progress)

    talked = await connection.call_tool("talk", {}, report)
    assert "accept name='Ada' accept" in result_text(talked)
    assert reported == [1.0, 2.0]
    assert "connected: accept" in result_text(await connection.call_tool("connect", {}))
    assert "thought: hello" in result_text(await connection.call_tool("think", {}))


async def test_what_else_a_server_offers_is_the_same(connection: McpConnection) -> None:
    assert [tool.name for tool in await connection.list_tools()] == [
        "talk", "connect", "think", "route", "fail",
    ]  # fmt: skip
    assert "routed to Zürich" in result_text(await connection.call_tool("route", {"region": "Zürich"}))
    failed = await connection.call_tool("fail", {})
    assert failed.isError
    assert "it rains" in result_text(failed)
    assert "Greet Ada" in str((await connection.get_prompt("greet", {"name": "Ada"})).messages)
    assert "note one" in str((await connection.read_resource("note://one")).contents)
    assert len(await connection.list_resource_templates()) == 1
    with pytest.raises(ProtocolError):
        await connection.get_prompt("none", {})
    await connection.ping()
