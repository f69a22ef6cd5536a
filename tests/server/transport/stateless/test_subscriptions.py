"""`subscriptions/listen`: streams of changes, filtered, tagged, and ended in good order."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from mcp.server.auth.provider import AccessToken
from mcp.server.fastmcp import Context, FastMCP
from pydantic import AnyUrl
from tests.server.transport.stateless.conftest import PREFIX, Client, Connect

from mcpsecurity_server.transport import TOKEN_KEY, InMemoryEventBus, Limits

ToolContext = Context[Any, Any, Any]
ALL = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Program")

    @mcp.tool()
    async def change(ctx: ToolContext) -> str:
        await ctx.session.send_prompt_list_changed()
        await ctx.session.send_resource_updated(AnyUrl("test://a"))
        return "changed"

    return mcp


async def messages(response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    assert response.content_type == "text/event-stream"
    async for line in response.content:
        if line.startswith(b"data: "):
            yield json.loads(line[6:])


def listen(client: Client, **wanted: Any) -> Any:
    return client.open("subscriptions/listen", {"notifications": wanted})


async def test_the_filter_is_acknowledged_first_and_only_what_it_names_follows(connect: Connect) -> None:
    async with connect(program()) as client, asyncio.timeout(30):
        wanted = {"promptsListChanged": True, "resourceSubscriptions": ["test://b"], "unknown": True}
        async with listen(client, **wanted) as response:
            heard = messages(response)
            first = await anext(heard)
            assert first["method"] == "notifications/subscriptions/acknowledged"
            assert first["params"]["notifications"] == {
                "promptsListChanged": True,
                "resourceSubscriptions": ["test://b"],
            }
            await client.mounted.list_changed("tools")
            await client.mounted.resource_updated("test://a")
            await client.mounted.resource_updated("test://b")
            await client.mounted.list_changed("prompts")
            following = [await anext(heard), await anext(heard)]
    assert [m["method"].rpartition("/")[2] for m in following] == ["updated", "list_changed"]
    assert following[0]["params"]["uri"] == "test://b"
    assert {m["params"]["_meta"][f"{PREFIX}subscriptionId"] for m in [first, *following]} == {7}


async def test_a_tool_that_announces_a_change_is_heard(connect: Connect) -> None:
    async with (
        connect(program()) as client,
        asyncio.timeout(30),
        listen(client, **ALL, resourceSubscriptions=["test://a"]) as response,
    ):
        heard = messages(response)
        await anext(heard)
        assert (await client.call("change")).content_type == "application/json"
        following = [await anext(heard), await anext(heard)]
    assert [m["method"] for m in following] == [
        "notifications/prompts/list_changed",
        "notifications/resources/updated",
    ]


async def test_a_change_in_one_process_is_heard_in_another_that_shares_the_bus(connect: Connect) -> None:
    bus = InMemoryEventBus(Limits())
    async with (
        connect(program(), bus=bus) as one,
        connect(program(), bus=bus) as other,
        asyncio.timeout(30),
        listen(one, **ALL) as response,
    ):
        heard = messages(response)
        await anext(heard)
        await other.mounted.list_changed("resources")
        assert (await anext(heard))["method"] == "notifications/resources/list_changed"


async def test_a_server_that_stops_ends_the_stream_with_a_result(connect: Connect) -> None:
    async with asyncio.timeout(30):
        async with aiohttp.ClientSession() as http:
            async with connect(program()) as client:
                outlives = Client(client.url, http, client.mounted)
                response = await listen(outlives, **ALL)
                heard = messages(response)
                await anext(heard)
            rest = [message async for message in heard]
            response.close()
    (result,) = rest
    assert result["id"] == 7
    assert result["result"] == {"resultType": "complete", "_meta": {f"{PREFIX}subscriptionId": 7}}


@pytest.mark.slow
async def test_a_quiet_stream_is_kept_alive(connect: Connect) -> None:
    limits = Limits(keep_alive_seconds=0.05)
    async with (
        connect(program(), limits=limits) as client,
        asyncio.timeout(30),
        listen(client, **ALL) as response,
    ):
        async for line in response.content:
            if line.startswith(b":"):
                break
    assert line == b": keep-alive\n"


@pytest.mark.parametrize(
    "wanted", [None, [], "all", {"resourceSubscriptions": "x"}, {"resourceSubscriptions": [1]}]
)
async def test_a_malformed_filter_is_refused(connect: Connect, wanted: Any) -> None:
    async with connect(program()) as client:
        reply = await client.request("subscriptions/listen", {"notifications": wanted})
    assert (reply.status, reply.code) == (400, -32602)


async def test_streams_and_resources_are_limited(connect: Connect) -> None:
    limits = Limits(listens_per_caller=1, subscriptions=2)
    async with connect(program(), limits=limits) as client, asyncio.timeout(30):
        many = {"resourceSubscriptions": ["a", "b", "c"]}
        assert (await client.request("subscriptions/listen", {"notifications": many})).code == -32602
        async with listen(client, **ALL) as response:
            await anext(messages(response))
            assert (await client.request("subscriptions/listen", {"notifications": ALL})).status == 429


@pytest.mark.slow
async def test_a_stream_ends_with_the_token_that_opened_it(connect: Connect) -> None:
    now = 1_000.0

    async def expiring(request: Any, handler: Any) -> Any:
        request[TOKEN_KEY] = AccessToken(token="t", client_id="c", scopes=[], expires_at=1001)
        return await handler(request)

    expiring.__middleware_version__ = 1  # type: ignore[attr-defined] # what web.middleware sets
    async with (
        connect(program(), middlewares=(expiring,), clock=lambda: now) as client,
        asyncio.timeout(30),
        listen(client, **ALL) as response,
    ):
        heard = [message async for message in messages(response)]
    assert [message.get("method") for message in heard] == ["notifications/subscriptions/acknowledged", None]
    assert heard[-1]["result"]["resultType"] == "complete"
