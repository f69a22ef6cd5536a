"""What programs do besides the usual: handlers of their own, results of every form, observers of calls."""

import asyncio
import datetime as dt
from typing import Any

import pytest
from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.shared.exceptions import McpError, UrlElicitationRequiredError
from tests.server.transport.conftest import Serve
from tests.server.transport.program import Gate, ToolContext, program
from tests.server.transport.stream_client import Stream


async def test_a_programs_notification_handler_hears_and_its_failure_is_its_own(serve: Serve) -> None:
    mcp, heard = program(), asyncio.Event()

    async def roots(_: types.RootsListChangedNotification) -> None:
        heard.set()
        raise RuntimeError("no roots")

    mcp._mcp_server.notification_handlers[types.RootsListChangedNotification] = roots
    async with serve(mcp) as served:
        headers = await served.initialize()
        assert (
            await served.status(served.post({"method": "notifications/roots/list_changed"}, headers)) == 202
        )
        assert heard.is_set()


async def test_each_call_is_told_with_its_outcome(serve: Serve) -> None:
    gate, told = Gate(), list[tuple[str, str]]()

    async def act(_: ToolContext) -> str:
        raise UrlElicitationRequiredError([])

    def after_call(name: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        told.append((name, outcome))

    async with serve(program(gate, act), after_call=after_call) as served:
        headers = await served.initialize()
        for request in (
            served.call("add", headers, a=1, b=2),
            served.call("add", headers, a="x"),
            served.call("act", headers),
            served.call("none", headers),
        ):
            assert await served.status(request) == 200
        calling = asyncio.create_task(served.status(served.call("wait", headers, id="w")))
        await gate.entered.wait()
        cancel = {"method": "notifications/cancelled", "params": {"requestId": "w"}}
        assert await served.status(served.post(cancel, headers)) == 202
        await calling
    assert told == [("add", "ok"), ("add", "error"), ("act", "input_required"), ("wait", "cancelled")]


async def test_a_batch_that_says_something_is_answered_by_one_stream(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    call = {"jsonrpc": "2.0", "method": "tools/call"}
    batch = [
        {**call, "id": 1, "params": {"name": "wait_loudly"}},
        {**call, "id": 2, "params": {"name": "add", "arguments": {"a": 1, "b": 2}}},
    ]
    async with serve(program(gate)) as served:
        headers = await served.initialize("2025-03-26")
        async with Stream(served.post(batch, headers)) as stream:
            said = [event.message for event in await stream.rest()]
    assert [message["method"] for message in said if "method" in message] == ["notifications/message"] * 2
    assert {message["id"] for message in said if "result" in message} == {1, 2}


@pytest.mark.parametrize(
    ("value", "structured"),
    [(2**70, {"result": 2**70}), (-(2**63), {"result": -(2**63)}), (0, {"result": 0})],
)
async def test_integers_of_any_size_come_through(serve: Serve, value: int, structured: Any) -> None:
    mcp: FastMCP[Any] = FastMCP("Numbers")

    @mcp.tool()
    def number() -> int:
        return value

    async with serve(mcp) as served:
        answer = await served.result("tools/call", {"name": "number"}, await served.initialize())
    assert answer["result"]["structuredContent"] == structured


async def test_a_tool_makes_its_whole_result_by_itself(serve: Serve) -> None:
    mcp: FastMCP[Any] = FastMCP("Whole")

    @mcp.tool()
    def whole() -> types.CallToolResult:
        text = types.TextContent(type="text", text="no", annotations=types.Annotations(priority=1.0))
        return types.CallToolResult(content=[text], isError=True, _meta={"by": "hand"})

    @mcp.tool()
    def nothing() -> None:
        return None

    async with serve(mcp) as served:
        headers = await served.initialize()
        result = (await served.result("tools/call", {"name": "whole"}, headers))["result"]
        assert result["isError"]
        assert result["_meta"] == {"by": "hand"}
        assert result["content"][0]["annotations"] == {"priority": 1.0}
        assert (await served.result("tools/call", {"name": "nothing"}, headers))["result"]["content"] == []


async def test_a_tools_call_handler_of_the_programs_own_runs_instead(serve: Serve) -> None:
    mcp = program()

    @mcp._mcp_server.call_tool()  # type: ignore[untyped-decorator] # the SDK has no types for it
    async def call(name: str, arguments: dict[str, Any]) -> list[types.TextContent]:
        return [types.TextContent(type="text", text=f"{name} {arguments}")]

    async with serve(mcp) as served:
        params = {"name": "anything", "arguments": {"a": 1}}
        answer = await served.result("tools/call", params, await served.initialize())
    assert answer["result"]["content"][0]["text"] == "anything {'a': 1}"


async def test_a_client_that_does_not_answer_in_the_time_a_program_gives_it_is_an_error(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        ping = types.ServerRequest(types.PingRequest())
        with pytest.raises(McpError, match="did not answer ping in time"):
            await ctx.session.send_request(ping, types.EmptyResult, dt.timedelta(milliseconds=20))
        return "noticed"

    async with (
        serve(program(act=act)) as served,
        Stream(served.call("act", await served.initialize())) as stream,
    ):
        said = [event.message for event in await stream.rest() if event.message]
    assert said[-1]["result"]["content"][0]["text"] == "noticed"


async def test_a_tool_reads_the_programs_resources_and_its_own_request(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        (read,) = await ctx.read_resource("fixed://one")
        request = ctx.request_context.request
        assert request is not None
        return f"{read.content!s} {ctx.request_id} {request.headers['X-Mine']} {ctx.client_id}"

    async with serve(program(act=act)) as served:
        headers = {**await served.initialize(), "X-Mine": "header"}
        async with served.call("act", headers, id=7) as response:
            answer = await response.json()
    assert answer["result"]["content"][0]["text"] == "one 7 header None"


async def test_a_body_in_many_parts_is_read_whole(serve: Serve) -> None:
    async def parts() -> Any:
        for part in (b'{"jsonrpc":"2.0",', b'"id":1,"method":', b'"ping"}'):
            yield part
            await asyncio.sleep(0.01)

    async with serve(program()) as served:
        sent = {"Accept": "*/*", "Content-Type": "application/json", **await served.initialize()}
        async with served.http.post(served.url, data=parts(), headers=sent) as response:
            assert (await response.json())["result"] == {}


async def test_an_origin_that_is_no_address_is_refused(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        for origin in ("http://[", "x", "http://user@localhost", "http://localhost:x"):
            sent = headers | {"Origin": origin}
            assert await served.status(served.post({"id": 1, "method": "ping"}, sent)) == 403
