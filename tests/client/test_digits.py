"""A decimal has the same digits in the call, on the wire, in an answer to a form and in a result."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
import uvicorn
from aiohttp import web
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.client import modern, odd
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ProtocolError, result_text
from mcpsecurity.client.session import call_tool
from mcpsecurity.elicitation import TerminalHandler, elicitation_callback
from mcpsecurity.runtime.exact_decimals import dumps, loads
from mcpsecurity_server.transport import mount_mcp

LONG = "0.123456789012345678901234567890"
WRITTEN = f'{{"a": 1.10, "b": [{LONG}, {{"c": 5e0}}], "d": "1.10", "e": 12345678901234567890.50}}'
STRUCTURED = f'{{"price": 1.10, "all": [{LONG}, 2.5, "1.10"]}}'
PRICE = {"type": "object", "properties": {"price": {"type": "number"}}}


class Recorded:
    """Keeps the bytes of every message."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.bodies: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if b"tools/call" in (body := await request.read()) or b"accept" in body:
            self.bodies.append(body)
        return await super().handle(request)  # type: ignore[misc,no-any-return] # of the server it is mixed into


class RecordedOdd(Recorded, odd.Odd):
    """A server with sessions."""


class RecordedModern(Recorded, modern.Modern):
    """A server without."""


def structured(message: dict[str, Any]) -> web.Response:
    result = f'{{"content": [], "structuredContent": {STRUCTURED}}}'
    body = f'{{"jsonrpc": "2.0", "id": {message["id"]}, "result": {result}}}'
    return web.Response(body=body, content_type="application/json")


def no_tools(message: dict[str, Any]) -> web.Response:
    return web.json_response(odd.rpc(message, {"tools": []}))


def streamed(message: dict[str, Any]) -> web.Response:
    event = f"data: {structured(message).text}\n\n"
    return web.Response(text=event, content_type="text/event-stream")


@asynccontextmanager
async def open_at(era: str, answer: Any) -> AsyncIterator[tuple[McpConnection, list[bytes]]]:
    if era == "in a session":
        server = RecordedOdd(call=answer, list=no_tools)
        async with odd.connected(server) as connection:
            yield connection, server.bodies
    else:
        without = RecordedModern({"tools/call": [answer]})
        async with modern.connected(without) as connection:
            yield connection, without.bodies


@pytest.mark.parametrize("era", ["in a session", "without"])
@pytest.mark.parametrize("answer", [structured, streamed])
async def test_arguments_and_structured_results_keep_their_digits(era: str, answer: Any) -> None:
    async with open_at(era, answer) as (connection, bodies):
        result = await connection.call_tool("pay", loads(WRITTEN))
    (body,) = bodies
    assert WRITTEN.replace(" ", "").encode() in body.replace(b" ", b"")
    assert dumps(result.structuredContent) == STRUCTURED
    assert result_text(result) == STRUCTURED
    assert isinstance(result.structuredContent["price"], float)  # type: ignore[index] # just compared


@pytest.mark.parametrize("era", ["in a session", "without"])
async def test_python_values_arrive_as_numbers_or_are_refused(era: str) -> None:
    async with open_at(era, structured) as (connection, bodies):
        await connection.call_tool("pay", {"a": Decimal("1.10"), "b": 1.5, "c": 3})
        for bad in (float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")):
            with pytest.raises(ProtocolError, match=r"cannot be sent as JSON: .*The call was not made"):
                await connection.call_tool("pay", {"a": bad})
    (body,) = bodies
    assert b'"arguments":{"a":1.10,"b":1.5,"c":3}' in body.replace(b" ", b"")


def typed() -> Any:
    """Return a callback by which a person at a terminal fills in every form with 1.10."""

    async def read(prompt: str) -> str:
        return "y" if "Send this?" in prompt else "1.10"

    return elicitation_callback(TerminalHandler(read, lambda _: None), lambda: "shop")


async def test_a_typed_decimal_reaches_a_server_without_sessions() -> None:
    asking = {"method": "elicitation/create", "params": {"message": "?", "requestedSchema": PRICE}}
    server = RecordedModern({"tools/call": [modern.asks("s", one=asking), modern.done]})
    async with modern.connected(server, elicitation=typed()) as connection:
        await connection.call_tool("pay", {})
    assert b'"content":{"price":1.10}' in server.bodies[-1].replace(b" ", b"")


async def test_a_typed_decimal_reaches_a_server_with_sessions() -> None:
    heard = asyncio.Event()
    bodies: list[bytes] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        message = loads(body) if (body := await request.read()) else {}
        if message.get("method") == "tools/call":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            question = {"jsonrpc": "2.0", "id": 7, "method": "elicitation/create"}
            question |= {"params": {"message": "?", "requestedSchema": PRICE}}
            await response.write(f"data: {dumps(question)}\n\n".encode())
            await heard.wait()
            await response.write(f"data: {dumps(odd.said(message))}\n\n".encode())
            return response
        if message.get("id") == 7:
            bodies.append(body)
            heard.set()
            return web.Response(status=202)
        return await odd.Odd().handle(request)

    app = web.Application()
    app.router.add_route("*", "/mcp", handle)
    async with (
        asyncio.timeout(30),
        on_loopback(app, path="/mcp") as url,
        McpConnection(url, elicitation=typed()) as connection,
    ):
        await connection.call_tool("pay", {})
    assert b'"content":{"price":1.10}' in bodies[0].replace(b" ", b"")


async def test_the_header_that_repeats_an_argument_has_its_number() -> None:
    properties = {name: {"type": "integer", "x-mcp-header": name} for name in ("Count", "Other", "Third")}
    listed = {"tools": [{"name": "pay", "inputSchema": {"type": "object", "properties": properties}}]}
    server = RecordedModern({"tools/list": [lambda message: modern.result(message, listed)]})
    async with modern.connected(server) as connection:
        await connection.list_tools()
        await connection.call_tool("pay", {"Other": Decimal(7)} | loads('{"Count": 5e0, "Third": 1.10}'))
    headers = server.calls()[-1]["headers"]
    assert (headers["Mcp-Param-Count"], headers["Mcp-Param-Other"]) == ("5", "7")
    assert "Mcp-Param-Third" not in headers
    assert b'"arguments":{"Other":7,"Count":5e0,"Third":1.10}' in server.bodies[-1].replace(b" ", b"")


class Price(BaseModel):
    price: float


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Shop")

    @mcp.tool()
    async def pay(amount: float, untyped: Any, ctx: Context[Any, Any, Any]) -> str:
        answer = await ctx.elicit("How much?", Price)
        price = answer.data.price if answer.action == "accept" else None
        return f"{type(amount).__name__} {amount} {type(untyped).__name__} {untyped} {price}"

    return mcp


def our_server() -> AbstractAsyncContextManager[str]:
    app = web.Application()
    mount_mcp(app, program())
    return on_loopback(app, "/mcp")


@asynccontextmanager
async def official_server() -> AsyncIterator[str]:
    config = uvicorn.Config(program().streamable_http_app(), port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
        server.should_exit = True


@pytest.mark.parametrize("serving", [our_server, official_server])
async def test_a_tool_with_a_float_gets_a_float(serving: Any) -> None:
    async with serving() as url, McpConnection(url, elicitation=typed()) as connection:
        result = await connection.call_tool("pay", loads(f'{{"amount": 1.10, "untyped": {LONG}}}'))
    assert result.structuredContent == {"result": f"float 1.1 float {float(LONG)!r} 1.1"}


async def test_a_session_that_is_not_ours_sends_doubles() -> None:
    server = RecordedOdd()
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)
    async with (
        on_loopback(app, path="/mcp") as url,
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        await call_tool(session, "pay", loads('{"a": 1.10}'))
        with pytest.raises(ProtocolError, match="Decimal is not JSON serializable"):
            await call_tool(session, "pay", {"a": Decimal("1.10")})
    (body,) = server.bodies
    assert b'"arguments":{"a":1.1}' in body


async def test_the_sdks_own_way_to_call_gets_the_digits_of_a_result_as_well() -> None:
    async with open_at("in a session", structured) as (connection, _):
        result = await connection.session.call_tool("pay", {})
    assert dumps(result.structuredContent) == STRUCTURED
