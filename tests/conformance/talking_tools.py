"""Tools of the conformance suite that talk to the client while they run."""

import asyncio
import json
from typing import Any

from mcp import types
from mcp.server.fastmcp import Context, FastMCP

__all__ = ["register"]

ToolContext = Context[Any, Any, Any]

_PAUSE = 0.05
"""Seconds between two messages, as the suite asks for."""

_USER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    "required": ["username", "email"],
}

_DEFAULTS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": True},
    },
    "required": [],
}

_OPTIONS = ["option1", "option2", "option3"]
_ENUMS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": _OPTIONS},
        "titledSingle": {
            "type": "string",
            "oneOf": [
                {"const": "value1", "title": "First Option"},
                {"const": "value2", "title": "Second Option"},
                {"const": "value3", "title": "Third Option"},
            ],
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
        "titledMulti": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"const": "value1", "title": "First Choice"},
                    {"const": "value2", "title": "Second Choice"},
                    {"const": "value3", "title": "Third Choice"},
                ]
            },
        },
    },
    "required": [],
}


def register(mcp: FastMCP[Any]) -> None:
    """Register the tools."""
    _register_reports(mcp)
    _register_questions(mcp)


def _register_reports(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    async def test_tool_with_logging(ctx: ToolContext) -> str:
        """Send three log messages."""
        await ctx.info("Tool execution started")
        await asyncio.sleep(_PAUSE)
        await ctx.info("Tool processing data")
        await asyncio.sleep(_PAUSE)
        await ctx.info("Tool execution completed")
        return "Tool with logging executed successfully"

    @mcp.tool()
    async def test_tool_with_progress(ctx: ToolContext) -> str:
        """Report progress three times."""
        for progress in (0, 50, 100):
            await ctx.report_progress(progress, 100, f"Completed step {progress} of 100")
            await asyncio.sleep(_PAUSE)
        return "Tool with progress executed successfully"

    @mcp.tool()
    async def test_reconnection(ctx: ToolContext) -> str:
        """Close the stream; the result comes after the client has come back."""
        await ctx.close_sse_stream()
        await asyncio.sleep(_PAUSE)
        return "Reconnection test completed"


def _register_questions(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    async def test_sampling(prompt: str, ctx: ToolContext) -> str:
        """Ask the client's model."""
        message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text=prompt))
        answer = await ctx.session.create_message([message], max_tokens=100)
        text = answer.content.text if isinstance(answer.content, types.TextContent) else "no text"
        return f"LLM response: {text}"

    @mcp.tool()
    async def test_elicitation(message: str, ctx: ToolContext) -> str:
        """Ask the user."""
        return f"User response: {await _ask(ctx, message, _USER)}"

    @mcp.tool()
    async def test_elicitation_sep1034_defaults(ctx: ToolContext) -> str:
        """Ask the user, with a default for every field."""
        return f"Elicitation completed: {await _ask(ctx, 'Please review the values.', _DEFAULTS)}"

    @mcp.tool()
    async def test_elicitation_sep1330_enums(ctx: ToolContext) -> str:
        """Ask the user to choose in every way there is."""
        return f"Elicitation completed: {await _ask(ctx, 'Please choose.', _ENUMS)}"


async def _ask(ctx: ToolContext, message: str, schema: dict[str, Any]) -> str:
    result = await ctx.session.elicit_form(message, schema, related_request_id=ctx.request_id)
    return f"action={result.action}, content={json.dumps(result.content or {})}"
