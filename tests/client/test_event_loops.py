"""A connection belongs to the event loop that opened it; another one is told so."""

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from semantic_kernel import Kernel
from tests.client.test_connection import program
from tests.support.served import Serve

from mcpsecurity import McpClient
from mcpsecurity.client import BridgeError, McpConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

ELSEWHERE = "opened in another event loop"


async def test_a_connection_is_refused_to_another_event_loop_and_works_on_in_its_own(serve: Serve) -> None:
    async with serve(program()) as url, McpConnection(url) as connection:
        elsewhere: list[Callable[[], Coroutine[Any, Any, Any]]] = [
            lambda: connection.call_tool("quick", {}),
            connection.list_tools,
            connection.open,
            connection.aclose,
        ]
        for use in elsewhere:
            with pytest.raises(BridgeError, match=ELSEWHERE):
                await asyncio.to_thread(asyncio.run, use())
        assert (await connection.call_tool("quick", {})).structuredContent == {"result": "quick"}


async def test_a_connection_whose_event_loop_has_ended_is_refused_and_can_be_closed(serve: Serve) -> None:
    async with serve(program()) as url:
        connection = McpConnection(url)
        await asyncio.to_thread(asyncio.run, connection.open())
        with pytest.raises(BridgeError, match=ELSEWHERE):
            await connection.call_tool("quick", {})
        await connection.aclose()
        async with connection:
            assert (await connection.call_tool("quick", {})).structuredContent == {"result": "quick"}


async def test_so_does_a_client(serve: Serve) -> None:
    async with serve(program()) as url, McpClient(Kernel(), url) as client:
        with pytest.raises(BridgeError, match=ELSEWHERE):
            await asyncio.to_thread(asyncio.run, client.call_tool("quick"))
        with pytest.raises(BridgeError, match=ELSEWHERE):
            await asyncio.to_thread(asyncio.run, client.aclose())
        assert str(await client.call_tool("quick")) == "quick"


async def test_a_client_whose_event_loop_has_ended_can_be_closed_and_opened_again(serve: Serve) -> None:
    kernel = Kernel()
    async with serve(program()) as url:
        client = await asyncio.to_thread(asyncio.run, McpClient.connect(kernel, url))
        with pytest.raises(BridgeError, match=ELSEWHERE):
            await client.call_tool("quick")
        await client.aclose()
        assert "Tools" not in kernel.plugins
        async with client:
            assert str(await client.call_tool("quick")) == "quick"
