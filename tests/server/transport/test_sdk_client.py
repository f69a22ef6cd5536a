"""The official SDK's client finds everything that a FastMCP program offers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.server.transport.conftest import Serve


class Answer(BaseModel):
    """What a form asks for."""

    name: str


def program() -> FastMCP[Any]:
    """Return a plain FastMCP program."""
    mcp: FastMCP[Any] = FastMCP("Program", instructions="Be kind.")
    _add_features_of_the_server(mcp)
    _add_tools_that_use_the_client(mcp)
    return mcp


def _add_features_of_the_server(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @mcp.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("no such luck")

    @mcp.resource("text://{name}")
    def text(name: str) -> str:
        """A text."""
        return f"text of {name}"

    @mcp.resource("fixed://one")
    def one() -> str:
        """A fixed text."""
        return "one"

    @mcp.prompt()
    def ask(topic: str) -> str:
        """A question."""
        return f"What is {topic}?"


def _add_tools_that_use_the_client(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    async def greet(ctx: Context[Any, Any, Any]) -> str:
        """Ask for a name and greet."""
        answer = await ctx.elicit("Who are you?", Answer)
        return f"Hello {answer.data.name}" if answer.action == "accept" else answer.action

    @mcp.tool()
    async def count(ctx: Context[Any, Any, Any]) -> str:
        """Report progress and log."""
        for step in range(3):
            await ctx.report_progress(step, 3, f"step {step}")
            await ctx.info(f"at {step}")
        return "counted"

    @mcp.tool()
    async def summarise(ctx: Context[Any, Any, Any]) -> str:
        """Ask the client's model, and for its roots."""
        message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="Hi"))
        answer = await ctx.session.create_message([message], max_tokens=10)
        roots = await ctx.session.list_roots()
        assert isinstance(answer.content, types.TextContent)
        return f"{answer.content.text} {roots.roots[0].uri}"


@asynccontextmanager
async def connected(url: str, **callbacks: Any) -> AsyncIterator[ClientSession]:
    async with (
        asyncio.timeout(30),
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write, **callbacks) as session,
    ):
        await session.initialize()
        yield session


async def test_tools_are_listed_and_called(serve: Serve) -> None:
    async with serve(program()) as served, connected(served.url) as session:
        names = [tool.name for tool in (await session.list_tools()).tools]
        assert names == ["add", "fail", "greet", "count", "summarise"]
        result = await session.call_tool("add", {"a": 1, "b": 2})
        assert result.structuredContent == {"result": 3}
        assert result.content == [types.TextContent(type="text", text="3")]


async def test_a_failing_tool_is_a_result_for_the_model(serve: Serve) -> None:
    async with serve(program()) as served, connected(served.url) as session:
        failed = await session.call_tool("fail", {})
        assert failed.isError
        assert "no such luck" in failed.content[0].text  # type: ignore[union-attr] # a text
        bad = await session.call_tool("add", {"a": "x", "b": 2})
        assert bad.isError


@pytest.mark.parametrize(
    ("action", "said"), [("accept", "Hello Ada"), ("decline", "decline"), ("cancel", "cancel")]
)
async def test_a_tool_asks_the_person_and_gets_the_answer(serve: Serve, action: Any, said: str) -> None:
    async def answer(_: Any, params: Any) -> types.ElicitResult:
        assert params.message == "Who are you?"
        assert params.requestedSchema["properties"]["name"]["type"] == "string"
        return types.ElicitResult(action=action, content={"name": "Ada"} if action == "accept" else None)

    async with serve(program()) as served, connected(served.url, elicitation_callback=answer) as session:
        result = await session.call_tool("greet", {})
        assert result.content[0].text == said  # type: ignore[union-attr] # a text


async def test_progress_and_logs_arrive_before_the_result(serve: Serve) -> None:
    seen: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        seen.append(params.data)

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with serve(program()) as served, connected(served.url, logging_callback=log) as session:
        await session.call_tool("count", {}, progress_callback=progress)
    assert [entry for entry in seen if isinstance(entry, tuple)] == [(i, 3, f"step {i}") for i in range(3)]
    assert [entry for entry in seen if isinstance(entry, str)] == ["at 0", "at 1", "at 2"]


async def test_a_log_level_holds_back_lower_levels(serve: Serve) -> None:
    seen: list[Any] = []

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        seen.append(params.data)

    async with serve(program()) as served, connected(served.url, logging_callback=log) as session:
        await session.set_logging_level("warning")
        assert not (await session.call_tool("count", {})).isError
    assert seen == []


async def test_a_tool_samples_and_asks_for_roots(serve: Serve) -> None:
    async def sample(_: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
        assert params.maxTokens == 10
        return types.CreateMessageResult(
            role="assistant", content=types.TextContent(type="text", text="sampled"), model="m"
        )

    async def roots(_: Any) -> types.ListRootsResult:
        return types.ListRootsResult.model_validate({"roots": [{"uri": "file:///r"}]})

    async with (
        serve(program()) as served,
        connected(served.url, sampling_callback=sample, list_roots_callback=roots) as session,
    ):
        result = await session.call_tool("summarise", {})
        assert result.content[0].text == "sampled file:///r"  # type: ignore[union-attr] # a text


async def test_prompts_and_resources_are_served(serve: Serve) -> None:
    async with serve(program()) as served, connected(served.url) as session:
        assert [p.name for p in (await session.list_prompts()).prompts] == ["ask"]
        prompt = await session.get_prompt("ask", {"topic": "MCP"})
        assert prompt.messages[0].content.text == "What is MCP?"  # type: ignore[union-attr] # a text
        assert [str(r.uri) for r in (await session.list_resources()).resources] == ["fixed://one"]
        templates = (await session.list_resource_templates()).resourceTemplates
        assert templates[0].uriTemplate == "text://{name}"
        read = await session.read_resource("text://x")  # type: ignore[arg-type] # the SDK takes strings, too
        assert read.contents[0].text == "text of x"  # type: ignore[union-attr] # a text


async def test_a_list_change_reaches_the_standalone_stream(serve: Serve) -> None:
    heard = asyncio.Event()

    async def hear(message: Any) -> None:
        if isinstance(getattr(message, "root", None), types.ToolListChangedNotification):
            heard.set()

    async with serve(program()) as served, connected(served.url, message_handler=hear) as session:
        await session.send_ping()
        await served.mounted.list_changed("tools")
        async with asyncio.timeout(30):
            await heard.wait()
