"""The server with all features, server-everything: it asks, samples, reports, logs and changes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import types
from semantic_kernel import Kernel
from tests.foreign.running import Running, started
from tests.foreign.servers import EVERYTHING_BY_SSE, SERVERS
from tests.foreign.views import Person

from mcpsecurity import McpClient
from mcpsecurity.client import McpConnection, ProtocolError, result_text
from mcpsecurity.client.eras import OLDER
from mcpsecurity.elicitation import TerminalHandler

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with started(SERVERS[0], tmp_path_factory.mktemp("everything")) as running:
        yield running


async def test_it_offers_what_the_client_can_do(server: Running) -> None:
    person = Person()
    async with McpConnection(server.url) as connection:
        plain = {tool.name for tool in await connection.list_tools()}
    async with McpConnection(server.url, elicitation=person.elicits, sampling=person.samples) as connection:
        able = {tool.name for tool in await connection.list_tools()}
    assert {"trigger-elicitation-request", "trigger-sampling-request"} <= able - plain


async def test_it_asks_a_model(server: Running) -> None:
    person = Person()
    async with McpConnection(server.url, sampling=person.samples) as connection:
        result = await connection.call_tool(
            "trigger-sampling-request", {"prompt": "Say hello", "maxTokens": 9}
        )
    assert "Say hello" in person.sampled[0]
    assert '"text": "hello"' in result_text(result)


async def test_it_asks_a_person_and_a_model_by_the_older_transport(tmp_path: Path) -> None:
    person = Person()
    async with (
        started(EVERYTHING_BY_SSE, tmp_path) as running,
        McpConnection(running.url, elicitation=person.elicits, sampling=person.samples) as connection,
    ):
        assert connection.era is OLDER
        answered = await connection.call_tool("trigger-elicitation-request", {})
        await connection.call_tool("trigger-sampling-request", {"prompt": "Say hello", "maxTokens": 9})
    assert "- Name: Ada" in result_text(answered)
    assert "Say hello" in person.sampled[0]


async def test_it_reports_its_progress(server: Running) -> None:
    reported: list[tuple[float, float | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append((progress, total))

    async with McpConnection(server.url) as connection:
        await connection.call_tool("trigger-long-running-operation", {"duration": 0.3, "steps": 3}, report)
    assert reported == [(1, 3), (2, 3), (3, 3)]


async def test_its_form_is_asked_field_by_field(server: Running) -> None:
    asked: list[str] = []

    async def typed(prompt: str) -> str:
        asked.append(prompt)
        return "y" if prompt.startswith("Send this?") else "Ada" if "String (" in prompt else ""

    handler = TerminalHandler(typed, lambda _: None)
    async with McpClient(Kernel(), server.url, ask=handler) as client:
        told = await client.call_tool("trigger-elicitation-request")
    assert '"action": "accept"' in told
    assert "- Name: Ada" in told
    assert len(asked) > 5


async def test_a_link_that_it_asks_the_person_to_open_is_hers_to_decide(server: Running) -> None:
    asked: list[types.ElicitRequestParams] = []

    async def accept(context: object, params: types.ElicitRequestParams) -> types.ElicitResult:
        asked.append(params)
        return types.ElicitResult(action="accept")

    link = {"url": "https://example.com/connect", "message": "Connect", "elicitationId": "connect-1"}
    async with McpConnection(server.url, elicitation=accept) as connection:
        result = await connection.call_tool("trigger-url-elicitation", link)
        with pytest.raises(ProtocolError) as caught:
            await connection.call_tool("trigger-url-elicitation", link | {"errorPath": True})
    assert isinstance(asked[0], types.ElicitRequestURLParams)
    assert asked[0].url == link["url"]
    assert "completed the URL elicitation" in result_text(result)
    assert caught.value.code == types.URL_ELICITATION_REQUIRED
    assert caught.value.data["elicitations"][0]["url"] == "https://modelcontextprotocol.io"


async def test_it_logs_to_a_client_that_listens(server: Running) -> None:
    heard = asyncio.Event()

    async def hear(notification: types.ServerNotification) -> None:
        if isinstance(notification.root, types.LoggingMessageNotification):
            heard.set()

    async with McpConnection(server.url, on_notification=hear) as connection, asyncio.timeout(30):
        await connection.call_tool("toggle-simulated-logging", {})
        await heard.wait()


async def test_values_of_a_prompts_arguments_are_completed(server: Running) -> None:
    reference = types.PromptReference(type="ref/prompt", name="completable-prompt")
    async with McpConnection(server.url) as connection:
        assert await connection.complete(reference, "department", "Eng", {}) == ["Engineering"]
        names = await connection.complete(reference, "name", "", {"department": "Engineering"})
    assert "Alice" in names
