"""The tool in the guide for authors orders once, in both eras, and asks for the price once."""

from typing import Any

import aiohttp
from aiohttp import web
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import FastMCP
from tests.docs.test_code_blocks import blocks, run
from tests.server.transport.stateless.conftest import Client, accept
from tests.support.installed import ROOT

from mcpsecurity.runtime.service import started_runner
from mcpsecurity.testing import LocalStack
from mcpsecurity_server.transport import mount_mcp


async def served(prices: list[str], orders: list[tuple[str, int]]) -> tuple[web.AppRunner, Any, str]:
    def price_of(article: str) -> int:
        prices.append(article)
        return len(prices)  # another one each time it is asked for

    def order(article: str, price: int) -> str:
        orders.append((article, price))
        return "Ordered."

    code, _ = blocks(ROOT / "docs" / "tool-authors.md")
    program = (await run(code, price_of=price_of, order=order))["mcp"]
    app = web.Application()
    mounted = mount_mcp(app, program)
    runner = await started_runner(app)
    return runner, mounted, f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"


async def test_it_works_with_a_session() -> None:
    async def yes(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        assert params.message == "Order tea for 1 €?"
        return types.ElicitResult(action="accept", content={"sure": True})

    prices: list[str] = []
    orders: list[tuple[str, int]] = []
    runner, _, url = await served(prices, orders)
    async with (
        streamable_http_client(url) as (reading, writing, _),
        ClientSession(reading, writing, elicitation_callback=yes) as session,
    ):
        await session.initialize()
        result = await session.call_tool("buy", {"article": "tea"})
    await runner.cleanup()
    assert result.content[0].text == "Ordered."  # type: ignore[union-attr] # the tool returns text
    assert (prices, orders) == (["tea"], [("tea", 1)])


async def test_it_works_without_one() -> None:
    prices: list[str] = []
    orders: list[tuple[str, int]] = []
    runner, mounted, url = await served(prices, orders)
    async with aiohttp.ClientSession() as http:
        client = Client(url, http, mounted)
        asked = await client.call("buy", {"article": "tea"})
        assert orders == []
        done = await client.retry("buy", asked, accept(sure=True), arguments={"article": "tea"})
    await runner.cleanup()
    assert done.result["content"][0]["text"] == "Ordered."
    assert (prices, orders) == (["tea"], [("tea", 1)])


async def test_it_is_served_behind_access_tokens_as_the_guide_says() -> None:
    """The code of the guide, for the local tenant in place of Contoso's."""
    _, code = blocks(ROOT / "docs" / "tool-authors.md")
    public = 'url="https://shop.contoso.com/mcp"'
    assert public in code
    local = code.replace(public, "url=URL, authority=cloud.authority, ca_file=cloud.ca_file")
    with LocalStack() as stack:
        cloud, url = stack.cloud, "http://localhost:7133/mcp"
        local = local.replace("11111111-2222-4333-8444-555555555555", cloud.tenant_id)
        local = local.replace("22222222-3333-4444-8555-666666666666", cloud.api_client_id)
        program: FastMCP[Any] = FastMCP("Shop", log_level="WARNING")
        app = (await run(local, mcp=program, cloud=cloud, URL=url, __name__="shop"))["app"]
        runner = await started_runner(app)
        try:
            address = f"http://localhost:{runner.addresses[0][1]}/mcp"
            async with aiohttp.ClientSession() as http:
                without = await http.post(address, json={})
                token = {"Authorization": f"Bearer {stack.tokens()}"}
                accept = {"Accept": "application/json, text/event-stream"}
                ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
                with_token = await http.post(address, json=ping, headers={**token, **accept})
        finally:
            await runner.cleanup()
    assert (without.status, with_token.status) == (401, 200)
