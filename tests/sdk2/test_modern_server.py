"""Our client uses a server on the official SDK 2.x that serves revision 2026-07-28 only."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import types
from semantic_kernel import Kernel
from tests.sdk2.environment import serving_program

from mcpsecurity import McpClient
from mcpsecurity.client import McpConnection, ProtocolError, result_text
from mcpsecurity.elicitation import TerminalHandler

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", params=["json", "sse"])
async def url(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    async with serving_program("modern_server.py", request.param) as url:
        yield url


class Person:
    """Answers what it is asked, and remembers it."""

    def __init__(self, action: str = "accept") -> None:
        self._action: Any = action
        self.asked: list[str] = []

    async def elicited(
        self,
        context: Any,  # noqa: ARG002 - as the SDK calls it
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult:
        self.asked.append(params.message)
        content = {"name": "Ada"} if "name" in params.message else {"color": "blue"}
        return types.ElicitResult(
            action=self._action, content=dict(content) if self._action == "accept" else None
        )

    async def sampled(
        self,
        context: Any,  # noqa: ARG002 - as the SDK calls it
        params: types.CreateMessageRequestParams,
    ) -> types.CreateMessageResult:
        assert params.messages, "something is to be said"
        text = types.TextContent(type="text", text="hello")
        return types.CreateMessageResult(role="assistant", content=text, model="m")


async def test_it_is_found_to_have_no_sessions_and_its_tools_are_called(url: str) -> None:
    async with McpConnection(url) as connection:
        assert connection.server is not None
        assert connection.server.protocolVersion == "2026-07-28"
        assert (connection.server.serverInfo.name, connection.session_id) == ("Modern", None)
        assert connection.server.instructions == "Ask nicely."
        assert "add" in [tool.name for tool in await connection.list_tools()]
        result = await connection.call_tool("add", {"a": 20, "b": 22})
        assert result.structuredContent == {"result": 42}
        await connection.ping()


async def test_its_tools_ask_the_person_one_question_after_the_other(url: str) -> None:
    person = Person()
    async with McpConnection(url, elicitation=person.elicited) as connection:
        assert "Ada likes blue" in result_text(await connection.call_tool("talk", {}))
    assert person.asked == ["What is your name?", "Ada, which color?"]


async def test_a_question_that_is_declined_ends_the_call_as_the_server_decides(url: str) -> None:
    person = Person("decline")
    async with McpConnection(url, elicitation=person.elicited) as connection:
        result = await connection.call_tool("talk", {})
    assert result.isError
    assert person.asked == ["What is your name?"]


async def test_its_tools_ask_the_model_and_the_person_at_once(url: str) -> None:
    person = Person()
    async with McpConnection(url, elicitation=person.elicited, sampling=person.sampled) as connection:
        assert "Ada: hello" in result_text(await connection.call_tool("say", {}))


async def test_a_client_that_cannot_be_asked_hears_what_it_lacks(url: str) -> None:
    async with McpConnection(url) as connection:
        with pytest.raises(ProtocolError) as caught:
            await connection.call_tool("talk", {})
    assert caught.value.code == -32021
    assert "elicitation" in caught.value.data["requiredCapabilities"]


@pytest.mark.parametrize("listed", [True, False])
async def test_arguments_are_repeated_in_headers_whether_its_tools_were_listed_or_not(
    url: str, listed: bool
) -> None:
    async with McpConnection(url) as connection:
        if listed:
            await connection.list_tools()
        for region in ("eu-west", " Zürich ", "=?base64?eA==?="):
            assert f"routed to {region}" in result_text(
                await connection.call_tool("route", {"region": region})
            )


async def test_prompts_and_resources_are_read_and_an_unknown_one_is_an_error(url: str) -> None:
    async with McpConnection(url) as connection:
        assert [prompt.name for prompt in await connection.list_prompts()] == ["greeting"]
        assert "Greet Bob." in str((await connection.get_prompt("greeting", {"name": "Bob"})).messages)
        assert [resource.name for resource in await connection.list_resources()] == ["Größe"]
        assert "a note" in str((await connection.read_resource("notes://one")).contents)
        with pytest.raises(ProtocolError) as caught:
            await connection.read_resource("notes://none")
    assert caught.value.code == types.INVALID_PARAMS


async def test_a_change_of_its_tools_is_heard(url: str) -> None:
    heard = asyncio.Event()

    async def hear(notification: types.ServerNotification) -> None:
        if isinstance(notification.root, types.ToolListChangedNotification):
            heard.set()

    async with McpConnection(url, on_notification=hear) as connection, asyncio.timeout(30):
        while not heard.is_set():  # the subscription begins beside the first calls
            await connection.call_tool("change", {})
            await asyncio.sleep(0.05)


async def test_progress_reaches_the_caller_and_a_caller_that_leaves_cancels_the_call() -> None:
    reported: list[float] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append(progress)

    async with (
        serving_program("modern_server.py", "sse") as url,
        McpConnection(url, elicitation=Person().elicited) as connection,
        asyncio.timeout(30),
    ):
        await connection.call_tool("talk", {}, report)
        assert reported == [1.0]
        waiting = asyncio.create_task(connection.call_tool("wait", {}))
        await _told(connection, "waiting")
        waiting.cancel()
        await _told(connection, "cancelled")


async def test_a_kernel_gets_its_tools_as_functions(url: str) -> None:
    async def typed(prompt: str) -> str:
        return "y" if prompt.startswith("Send this?") else "Ada"

    kernel = Kernel()
    async with McpClient(kernel, url, ask=TerminalHandler(typed, lambda _: None)) as client:
        answer = await kernel.invoke(plugin_name="Tools", function_name="add", a=1, b=2)
        assert answer is not None
        assert "3" in str(answer.value)
        assert "Ada likes Ada" in await client.call_tool("talk")


async def _told(connection: McpConnection, what: str) -> None:
    """Wait until the server tells that `what` has become of a call."""
    while what not in result_text(await connection.call_tool("calls", {})):  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.05)
