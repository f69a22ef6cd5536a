"""What a person puts into the chat of a server's resources: whole, cut, or by a template."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web
from mcp.server.fastmcp import FastMCP
from semantic_kernel import Kernel
from tests.support.served import on_loopback

from mcpsecurity import McpClient
from mcpsecurity.client.parts import LONGEST_ATTACHMENT
from mcpsecurity.console.resources import Resources
from mcpsecurity_server.transport import mount_mcp


class Lines:
    """A terminal: what it shows, and what the person types."""

    def __init__(self, *typed: str) -> None:
        self.shown: list[str] = []
        self._typed = list(typed)

    def write(self, text: str, style: str = "") -> None:  # noqa: ARG002 - a plain terminal
        self.shown.append(text)

    def stream(self, piece: str) -> None:
        raise AssertionError(piece)

    async def read(self, prompt: str, text: str = "") -> str:  # noqa: ARG002 - nothing is edited
        self.shown.append(prompt)
        if not self._typed:
            raise EOFError
        return self._typed.pop(0)

    async def read_message(self, prompt: str) -> str:
        raise AssertionError(prompt)


def library(name: str) -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP(name)

    @mcp.resource(f"{name}://{{shelf}}/{{title}}")
    def book(shelf: str, title: str) -> str:
        return unquote(f"{title} on {shelf}")

    @mcp.resource(f"{name}://long/all")
    def long() -> str:
        return "y" * (LONGEST_ATTACHMENT + 1)

    @mcp.resource(f"{name}://empty/all")
    def empty() -> str:
        return ""

    return mcp


@asynccontextmanager
async def resources_of(*names: str, terminal: Lines) -> AsyncIterator[Resources]:
    app = web.Application()
    for name in names:
        mount_mcp(app, library(name), path=f"/{name}")
    async with on_loopback(app, "") as url:
        clients = [McpClient(Kernel(), f"{url}/{name}", ask=None, plugin_name=name) for name in names]
        for client in clients:
            await client.open()
        try:
            yield Resources(terminal, clients, str)
        finally:
            for client in clients:
                await client.aclose()


async def test_templates_are_listed_and_filled_in() -> None:
    terminal = Lines("a b", " Größe ")
    async with resources_of("old", "new", terminal=terminal) as resources:
        await resources.show()
        assert "  old://long/all  long" in terminal.shown
        assert "  new://{shelf}/{title}  book (template)" in terminal.shown
        assert {"old", "new"} < set(terminal.shown)
        read = await resources.read("new://{shelf}/{title}")
    assert read == "The resource new://a%20b/Gr%C3%B6%C3%9Fe of new:\n\nGröße on a b"
    assert terminal.shown[-5:-3] == ["  shelf (text): ", "  title (text): "]
    assert terminal.shown[-3].strip() == "new://a%20b/Gr%C3%B6%C3%9Fe"


async def test_a_template_that_gets_no_values_reads_nothing_and_one_that_none_lists_is_an_address() -> None:
    terminal = Lines("only one")
    async with resources_of("old", terminal=terminal) as resources:
        assert await resources.read("old://{shelf}/{title}") is None
        assert terminal.shown == ["  shelf (text): ", "  title (text): "]
        assert (
            await resources.read("old://a/{braces}")
            == "The resource old://a/{braces} of old:\n\n{braces} on a"
        )


async def test_a_long_resource_is_cut_and_the_person_is_told() -> None:
    terminal = Lines()
    async with resources_of("old", terminal=terminal) as resources:
        read = await resources.read("old://long/all")
        assert read is not None
        assert read.endswith("y\n[the rest is left out]")
        assert read.count("y") == LONGEST_ATTACHMENT
        assert terminal.shown[0].endswith("y … (1,048,577 characters)")
        assert terminal.shown[1:] == [
            "  Its first 1,048,576 characters are in the chat now; the rest is left out."
        ]
        assert (
            await resources.read("old://empty/all") == "The resource old://empty/all of old:\n\n[it is empty]"
        )


@pytest.mark.parametrize(("address", "told"), [("", "Write the URI of a resource"), ("x://y", "not found")])
async def test_what_cannot_be_read_is_said(address: str, told: str) -> None:
    terminal = Lines()
    async with resources_of("old", terminal=terminal) as resources:
        assert await resources.read(address) is None
    assert told in terminal.shown[0]
