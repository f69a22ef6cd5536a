"""In Elicitation mode a call runs unasked only at a server that is known to ask, or to be believed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from mcp.server.fastmcp import FastMCP
from mcp.types import ToolAnnotations
from tests.browser.stack import Service, Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

from mcpsecurity_server.transport import mount_mcp


class Shop:
    """A server that asks nobody: it has a tool that says it only reads, and one that says nothing."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.mcp: FastMCP[None] = FastMCP("shop")

        @self.mcp.tool(title="Catalogue", annotations=ToolAnnotations(readOnlyHint=True))
        def read_catalogue() -> str:
            """Read a catalogue."""
            self.calls.append("read_catalogue")
            return "Nothing is left."

        @self.mcp.tool(title="Wardrobe")
        def burn_wardrobe() -> str:
            """Burn a wardrobe."""
            self.calls.append("burn_wardrobe")
            return "It is gone."

    def app(self) -> web.Application:
        app = web.Application()
        mount_mcp(app, self.mcp)
        return app


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    shop = Shop()
    service = Service(shop.app)
    await service.start()
    yield shop, f"http://localhost:{service.port}/mcp"
    await service.stop()


@asynccontextmanager
async def _in_elicitation_mode(
    visitors: NewPerson, serve_web: ServeWeb, shop_url: str, **options: bool
) -> AsyncIterator[tuple[Visitor, EventStream]]:
    more = ({"name": "shop", "url": shop_url, **options},)
    async with serve_web(more_servers=more) as url:
        visitor = await visitors(url=url).sign_in()
        await visitor.command("mode", {"mode": "elicitation"})
        async with visitor.stream() as stream:
            yield visitor, stream


async def _ended(visitor: Visitor, stream: EventStream, text: str) -> dict[str, Any]:
    await visitor.ask(text)
    done: dict[str, Any] = await stream.until("tool.done")
    await stream.until("run.done")
    return done


@pytest.mark.parametrize("text", ["Burn a wardrobe", "Read a catalogue"])
async def test_a_server_that_asks_nobody_is_asked_for_by_the_page(
    visitors: NewPerson, serve_web: ServeWeb, shop: tuple[Shop, str], text: str
) -> None:
    server, shop_url = shop
    async with _in_elicitation_mode(visitors, serve_web, shop_url) as (visitor, stream):
        await visitor.ask(text)
        call = (await stream.until("tool.proposed"))["call"]
        assert (await visitor.snapshot())["calls"][0]["status"] == "proposed"
        assert server.calls == []
        await visitor.decide(call, "approve")
        done = await stream.until("tool.done")
        assert (done["status"], "unasked" in done) == ("done", False)
        assert len(server.calls) == 1


async def test_only_a_tool_that_says_it_reads_is_believed(
    visitors: NewPerson, serve_web: ServeWeb, shop: tuple[Shop, str]
) -> None:
    server, shop_url = shop
    trusting = _in_elicitation_mode(visitors, serve_web, shop_url, trust_annotations=True)
    async with trusting as (visitor, stream):
        done = await _ended(visitor, stream, "Read a catalogue")
        assert (done["status"], done["unasked"]) == ("done", True)
        [call] = (await visitor.snapshot())["calls"]
        assert (call["decided_by"], call["unasked"]) == ("mode", True)
        await visitor.ask("Burn a wardrobe")
        await stream.until("tool.proposed")
        assert (await visitor.snapshot())["calls"][-1]["status"] == "proposed"
    assert server.calls == ["read_catalogue"]


async def test_a_server_that_should_ask_and_does_not_is_told_of(
    visitors: NewPerson, serve_web: ServeWeb, shop: tuple[Shop, str]
) -> None:
    _, shop_url = shop
    async with _in_elicitation_mode(visitors, serve_web, shop_url, asks=True) as (visitor, stream):
        assert (await _ended(visitor, stream, "Burn a wardrobe"))["unasked"] is True


async def test_a_call_about_which_its_server_asked_is_not_marked(visitor: Visitor, stack: Stack) -> None:
    await visitor.command("mode", {"mode": "elicitation"})
    async with visitor.stream() as stream:
        await visitor.ask("Do a handshake")
        asked = (await stream.until("elicitation.requested"))["elicitation"]
        path = f"elicitations/{asked['elicitation_id']}"
        await visitor.command(path, {"action": "accept", "content": {}})
        done = await stream.until("tool.done")
        assert (done["status"], "unasked" in done) == ("done", False)


def test_names_that_make_one_plugin_are_refused(stack: Stack) -> None:
    more = tuple({"name": name, "url": "http://localhost:9/mcp"} for name in ("a-b", "a_b"))
    with pytest.raises(ValueError, match="WEBCLIENT_MCP_SERVERS: the names a-b and a_b"):
        stack.web_settings(more_servers=more)
