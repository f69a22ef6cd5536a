"""Calls at once, calls that their caller leaves, and servers that are killed or restarted."""

import asyncio
from typing import Any

import pytest
from tests.foreign.running import Running

from mcpsecurity.client import McpConnection, ServerUnavailableError

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]


async def _call(connection: McpConnection, running: Running) -> Any:
    """Make the first of the server's calls, which changes nothing, and return what it said."""
    name, arguments = running.server.uses.calls[0]
    result = await connection.call_tool(name, running.filled(arguments))
    return [part.type for part in result.content] if name in running.server.uses.varies else result.content


async def test_two_calls_at_once_say_the_same_as_one(running: Running) -> None:
    async with McpConnection(running.url) as connection:
        first = await _call(connection, running)
        together = await asyncio.gather(*(_call(connection, running) for _ in range(2)))
    assert together == [first, first]


@pytest.mark.needs("slow")
async def test_a_caller_that_leaves_does_not_disturb_the_others(running: Running) -> None:
    assert running.server.uses.slow is not None
    async with McpConnection(running.url) as connection:
        before = await _call(connection, running)
        session = connection.session_id
        slow = asyncio.create_task(connection.call_tool(*running.server.uses.slow))
        beside = await asyncio.gather(*(_call(connection, running) for _ in range(3)))
        assert not slow.done(), "it is cancelled while it runs"
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert [*beside, await _call(connection, running)] == [before] * 4
        assert connection.session_id == session


@pytest.mark.needs("slow")
async def test_a_call_ends_when_the_server_is_killed_and_the_next_finds_it_again(running: Running) -> None:
    assert running.server.uses.slow is not None
    async with McpConnection(running.url) as connection, asyncio.timeout(90):
        before = await _call(connection, running)
        slow = asyncio.create_task(connection.call_tool(*running.server.uses.slow))
        await _call(connection, running)  # the server has read both
        assert not slow.done(), "it is still running"
        await running.program.stop(kill=True)
        with pytest.raises(ServerUnavailableError) as caught:
            await slow
        assert caught.value.outcome_is_unknown
        await running.program.start()
        assert await _call(connection, running) == before


async def test_a_server_that_was_away_is_found_again(running: Running) -> None:
    async with McpConnection(running.url) as connection, asyncio.timeout(90):
        before = await _call(connection, running)
        await running.program.stop()
        with pytest.raises(ServerUnavailableError) as caught:
            await _call(connection, running)
        assert not caught.value.outcome_is_unknown, "it was never sent"
        await running.program.start()
        assert await _call(connection, running) == before


async def test_a_server_that_was_restarted_is_called_as_before(running: Running) -> None:
    async with McpConnection(running.url) as connection, asyncio.timeout(90):
        before = await _call(connection, running)
        await running.program.stop(kill=True)
        await running.program.start()
        assert await _call(connection, running) == before
