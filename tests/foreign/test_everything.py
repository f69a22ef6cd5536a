"""The server with all features, server-everything: it asks, samples, reports, logs and changes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import types
from tests.foreign.servers import SERVERS, Running, started
from tests.foreign.views import Person

from mcpsecurity.client import McpConnection, ProtocolError, result_text
from mcpsecurity.elicitation import Accepted, TerminalHandler

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with started(SERVERS[0], tmp_path_factory.mktemp("everything")) as running:
        yield running


async def test_it_offers_what_the_client_can_do(server: Running) -> None:
    person = Person()
    async with McpConnection(server.url) as connection:
        plain = {tool.name for tool in await connection.list_tools()}
    async with McpConnection(
        server.url, elicitation=person.elicits, sampling=person.samples
    ) as connection:
        able = {tool.name for tool in await connection.list_tools()}
    assert {"trigger-elicitation-request", "trigger-sampling-request"} <= able - plain


async def test_it_asks_a_model(server: Running) -> None:
    person = Person()
    async with McpConnection(server.url, sampling=person.samples) as connection:
        result = await connection.call_tool("trigger-sampling-request", {"prompt": "Say hello", "maxTokens": 9})
    assert "Say hello" in person.sampled[0]
    assert '"text": "hello"' in result_text(result)


async def test_it_reports_its_progress(server: Running) -> None:
    reported: list[tuple[float, float | None]] = []

    async def report(progress: float, total: float | None, _: str | None) -> None:
        reported.append((progress, total))

    async with McpConnection(server.url) as connection:
        await connection.call_tool("trigger-long-running-operation", {"duration": 0.3, "steps": 3}, report)
    assert reported == [(1, 3), (2, 3), (3, 3)]
