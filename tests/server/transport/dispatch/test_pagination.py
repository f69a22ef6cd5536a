"""Lists in pages, completion, and what clients hear when a list or a resource has changed."""

from typing import Any

import pytest
from mcp import types
from mcp.server.fastmcp import FastMCP
from tests.server.transport.conftest import Serve
from tests.server.transport.program import ToolContext, program
from tests.server.transport.stream_client import Stream

from mcpsecurity_server.transport import Limits


def many(count: int) -> FastMCP[Any]:
    """Return a program with as many tools, prompts and resources."""
    mcp: FastMCP[Any] = FastMCP("Many")
    for number in range(count):
        mcp.add_tool(lambda: "x", name=f"tool{number}", description="A tool.")
        mcp.prompt(f"prompt{number}")(lambda: "x")
        mcp.resource(f"fixed://{number}", name=f"resource{number}")(lambda: "x")
        mcp.resource(f"made{number}://{{name}}", name=f"template{number}")(lambda name: name)
    return mcp


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ],
)
async def test_a_list_comes_in_pages_that_make_it_whole(serve: Serve, method: str, key: str) -> None:
    async with serve(many(7), limits=Limits(page_size=3)) as served:
        headers = await served.initialize()
        names: list[str] = []
        sizes: list[int] = []
        params: dict[str, Any] = {}
        while True:
            result = (await served.result(method, params, headers))["result"]
            names += [entry["name"] for entry in result[key]]
            sizes.append(len(result[key]))
            if "nextCursor" not in result:
                break
            params = {"cursor": result["nextCursor"]}
    assert sizes == [3, 3, 1]
    assert len(set(names)) == 7


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "YWZ0ZXI6MA==", "YWZ0ZXI6LTE=", "YWZ0ZXI6OTk5", "é", 7, "YWZ0ZXI6Mw", "YWZ0 ZXI6Mw=="],
)
async def test_a_cursor_that_no_page_ended_with_is_refused(serve: Serve, cursor: Any) -> None:
    async with serve(many(7), limits=Limits(page_size=3)) as served:
        answer = await served.result("tools/list", {"cursor": cursor}, await served.initialize())
    assert answer["error"]["code"] == -32602


async def test_a_program_that_pages_by_itself_is_left_to_it(serve: Serve) -> None:
    mcp = many(1)

    @mcp._mcp_server.list_prompts()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
    async def list_prompts(request: types.ListPromptsRequest) -> types.ListPromptsResult:
        cursor = request.params.cursor if request.params else None
        return types.ListPromptsResult(prompts=[types.Prompt(name=cursor or "first")], nextCursor="mine")

    async with serve(mcp, limits=Limits(page_size=1)) as served:
        headers = await served.initialize()
        first = (await served.result("prompts/list", {}, headers))["result"]
        second = (await served.result("prompts/list", {"cursor": "mine"}, headers))["result"]
    assert (first["prompts"][0]["name"], first["nextCursor"]) == ("first", "mine")
    assert second["prompts"][0]["name"] == "mine"


async def test_a_program_completes_arguments(serve: Serve) -> None:
    params = {"ref": {"type": "ref/prompt", "name": "ask"}, "argument": {"name": "topic", "value": "M"}}
    async with serve(program()) as served:
        answer = await served.result("completion/complete", params, await served.initialize())
        assert answer["result"]["completion"]["values"] == ["M!"]
    async with serve(many(1)) as served:
        answer = await served.result("completion/complete", params, await served.initialize())
        assert answer["error"]["code"] == -32601


async def test_only_subscribers_hear_that_a_resource_has_changed(serve: Serve) -> None:
    async with serve(program()) as served:
        subscriber, other = await served.initialize(), await served.initialize()
        uri = {"uri": "fixed://one"}
        assert (await served.result("resources/subscribe", uri, subscriber))["result"] == {}
        async with Stream(served.get(subscriber)) as hears, Stream(served.get(other)) as hears_not:
            await served.mounted.resource_updated("fixed://one")
            await served.mounted.resource_updated("fixed://two")
            await served.mounted.list_changed("resources")
            assert await hears.message() == {
                "jsonrpc": "2.0",
                "method": "notifications/resources/updated",
                "params": uri,
            }
            assert (await hears.message())["method"] == "notifications/resources/list_changed"
            assert (await hears_not.message())["method"] == "notifications/resources/list_changed"
            assert (await served.result("resources/unsubscribe", uri, subscriber))["result"] == {}
            await served.mounted.resource_updated("fixed://one")
            await served.mounted.list_changed("tools")
            assert (await hears.message())["method"] == "notifications/tools/list_changed"


async def test_subscriptions_of_a_session_are_limited(serve: Serve) -> None:
    async with serve(program(), limits=Limits(subscriptions=2)) as served:
        headers = await served.initialize()
        for uri in ("a://1", "a://2", "a://2"):
            assert (await served.result("resources/subscribe", {"uri": uri}, headers))["result"] == {}
        refused = await served.result("resources/subscribe", {"uri": "a://3"}, headers)
        assert refused["error"]["code"] == -32602
        longest = {"uri": "a://" + "x" * 2000}
        answer = await served.result("resources/subscribe", longest, await served.initialize())
        assert answer["error"]["code"] == -32602


async def test_a_programs_own_subscribe_handler_is_asked_as_well(serve: Serve) -> None:
    mcp, heard = program(), []

    @mcp._mcp_server.subscribe_resource()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK's
    async def subscribe(uri: Any) -> None:
        heard.append(str(uri))

    async with serve(mcp) as served:
        headers = await served.initialize()
        assert (await served.result("resources/subscribe", {"uri": "fixed://one"}, headers))["result"] == {}
        async with Stream(served.get(headers)) as stream:
            await served.mounted.resource_updated("fixed://one")
            assert (await stream.message())["params"]["uri"] == "fixed://one"
    assert heard == ["fixed://one"]


async def test_a_tool_says_that_a_list_has_changed_on_the_standalone_stream(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        ctx.fastmcp.add_tool(lambda: "x", name="new", description="New.")
        await ctx.session.send_tool_list_changed()
        return "added"

    async with serve(program(act=act)) as served:
        headers = await served.initialize()
        async with Stream(served.get(headers)) as stream:
            async with served.call("act", headers) as response:
                assert response.content_type == "application/json"
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
        tools = (await served.result("tools/list", {}, headers))["result"]["tools"]
    assert "new" in [tool["name"] for tool in tools]
