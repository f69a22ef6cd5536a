"""Tools of the conformance suite for revision 2026-07-28: they ask, each in its way, and change lists."""

import asyncio
import itertools
from typing import Annotated, Any

from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel, Field

from mcpsecurity_server.transport import question_key

__all__ = ["register"]

ToolContext = Context[Any, Any, Any]


class _Name(BaseModel):
    name: str


class _Color(BaseModel):
    color: str


class _Confirmation(BaseModel):
    ok: bool


class _Wish(BaseModel):
    context: str


def register(mcp: FastMCP[Any]) -> None:
    """Register the tools and the prompt."""
    _register_single_questions(mcp)
    _register_combinations(mcp)
    _register_changes(mcp)
    _register_checks(mcp)

    @mcp.prompt()
    async def test_input_required_result_prompt(
        ctx: Context,  # type: ignore[type-arg] # FastMCP validates a prompt's arguments: only this one is its own
    ) -> str:
        """A prompt that asks the user for its context."""
        return f"Context: {await _ask(ctx, 'user_context', 'What context should the prompt use?', _Wish)}"


def _register_single_questions(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    async def test_input_required_result_elicitation(ctx: ToolContext) -> str:
        """Ask the user's name."""
        return f"Hello, {await _ask(ctx, 'user_name', 'What is your name?', _Name)}!"

    @mcp.tool()
    async def test_input_required_result_sampling(ctx: ToolContext) -> str:
        """Ask the client's model."""
        return await _sample(ctx, "capital_question", "What is the capital of France?")

    @mcp.tool()
    async def test_input_required_result_list_roots(ctx: ToolContext) -> str:
        """Ask for the client's roots."""
        return await _roots(ctx, "client_roots")

    @mcp.tool()
    async def test_input_required_result_request_state(ctx: ToolContext) -> str:
        """Ask for a confirmation."""
        return f"state-ok: {await _ask(ctx, 'confirm', 'Please confirm', _Confirmation)}"

    @mcp.tool()
    async def test_input_required_result_tampered_state(ctx: ToolContext) -> str:
        """Ask for a confirmation; the suite breaks the state."""
        return f"state-ok: {await _ask(ctx, 'confirm', 'Please confirm', _Confirmation)}"


def _register_combinations(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    async def test_input_required_result_multiple_inputs(ctx: ToolContext) -> str:
        """Ask three things at once."""
        async with asyncio.TaskGroup() as group:
            name = group.create_task(_ask(ctx, "user_name", "What is your name?", _Name))
            greeting = group.create_task(_sample(ctx, "greeting", "Generate a greeting"))
            roots = group.create_task(_roots(ctx, "client_roots"))
        return f"{greeting.result()} {name.result()} {roots.result()}"

    @mcp.tool()
    async def test_input_required_result_multi_round(ctx: ToolContext) -> str:
        """Ask one thing after the other."""
        name = await _ask(ctx, "step1", "Step 1: What is your name?", _Name)
        color = await _ask(ctx, "step2", "Step 2: What is your favorite color?", _Color)
        return f"{name} likes {color}"

    @mcp.tool()
    async def test_input_required_result_capabilities(ctx: ToolContext) -> str:
        """Ask what the client can answer."""
        asked = []
        if ctx.session.check_client_capability(types.ClientCapabilities(sampling=types.SamplingCapability())):
            asked.append(_sample(ctx, "greeting", "Generate a greeting"))
        if ctx.session.check_client_capability(
            types.ClientCapabilities(elicitation=types.ElicitationCapability())
        ):
            asked.append(_ask(ctx, "user_name", "What is your name?", _Name))
        return " ".join(await asyncio.gather(*asked))


def _register_changes(mcp: FastMCP[Any]) -> None:
    numbers = itertools.count(1)

    def changed() -> str:
        """Say that the list has changed."""
        return "changed"

    @mcp.tool()
    async def test_trigger_tool_change(ctx: ToolContext) -> str:
        """Add a tool and take it away."""
        name = f"test_added_tool_{next(numbers)}"
        mcp.add_tool(changed, name)
        await ctx.session.send_tool_list_changed()
        mcp.remove_tool(name)
        return "The list of tools has changed"

    @mcp.tool()
    async def test_trigger_prompt_change(ctx: ToolContext) -> str:
        """Say that the prompts have changed."""
        await ctx.session.send_prompt_list_changed()
        return "The list of prompts has changed"


def _register_checks(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    async def test_missing_capability(ctx: ToolContext) -> str:
        """Ask the client's model, whether it has one or not."""
        return await _sample(ctx, "question", "What is the capital of France?")

    @mcp.tool()
    async def test_streaming_elicitation(ctx: ToolContext) -> str:
        """Report progress, then ask."""
        await ctx.report_progress(1, 2)
        return f"Hello, {await _ask(ctx, 'user_name', 'What is your name?', _Name)}!"

    @mcp.tool()
    async def test_logging_tool(ctx: ToolContext) -> str:
        """Log to a client that may not want it."""
        await ctx.info("A message that only those get who asked for it")
        return "Logged"

    @mcp.tool()
    def test_custom_header(
        region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "",
    ) -> str:
        """A tool with an argument that is repeated in a header."""
        return f"Region: {region}"


async def _ask(ctx: ToolContext, key: str, text: str, form: type[BaseModel]) -> str:
    with question_key(key):
        answer = await ctx.elicit(text, form)
    if answer.action != "accept":
        return answer.action
    return " ".join(str(value) for value in answer.data.model_dump().values())


async def _sample(ctx: ToolContext, key: str, text: str) -> str:
    message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=text))
    with question_key(key):
        answer = await ctx.session.create_message([message], max_tokens=100)
    return answer.content.text if isinstance(answer.content, types.TextContent) else "no text"


async def _roots(ctx: ToolContext, key: str) -> str:
    with question_key(key):
        listed = await ctx.session.list_roots()
    return ", ".join(str(root.uri) for root in listed.roots)
