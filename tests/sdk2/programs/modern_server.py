"""A server on the official SDK 2.x that serves revision 2026-07-28 only.

Its arguments are the port, and "json" or "sse": what it answers with.

The SDK itself serves the other revisions, too: it tells them by their header. Here every request gets the
header of 2026-07-28, so that it refuses requests of other revisions.
"""

import asyncio
import sys
from typing import Annotated, Any

import uvicorn
from mcp.server.mcpserver import Context, Elicit, MCPServer, Resolve, Sample
from mcp_types import CreateMessageResult, SamplingMessage, TextContent
from pydantic import BaseModel, Field

mcp = MCPServer("Modern", log_level="ERROR", instructions="Ask nicely.")
calls: list[str] = []


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


def ask_name() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


def ask_color(name: Annotated[Name, Resolve(ask_name)]) -> Elicit[Color]:
    return Elicit(f"{name.name}, which color?", Color)


def ask_model() -> Sample:
    text = TextContent(type="text", text="Say something.")
    return Sample([SamplingMessage(role="user", content=text)], max_tokens=20)


@mcp.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@mcp.tool()
async def talk(
    ctx: Context, name: Annotated[Name, Resolve(ask_name)], color: Annotated[Color, Resolve(ask_color)]
) -> str:
    """Ask two questions, the second after the first."""
    await ctx.report_progress(1, 1)
    return f"{name.name} likes {color.color}"


@mcp.tool()
def say(
    said: Annotated[CreateMessageResult, Resolve(ask_model)], name: Annotated[Name, Resolve(ask_name)]
) -> str:
    """Ask the model and the person at once."""
    return f"{name.name}: {getattr(said.content, 'text', '')}"


@mcp.tool()
def route(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})]) -> str:
    """Return the region, which a header has to repeat."""
    return f"routed to {region}"


@mcp.tool()
async def wait() -> str:
    """Wait until the caller leaves."""
    calls.append("waiting")
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        calls.append("cancelled")
        raise
    return "waited"


@mcp.tool(name="calls")
def told() -> list[str]:
    """Tell what has become of the calls of `wait`."""
    return calls


@mcp.tool()
async def change(ctx: Context) -> str:
    """Say that the tools have changed."""
    await ctx.notify_tools_changed()
    return "changed"


@mcp.prompt()
def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Greet {name}."


@mcp.resource("notes://one", name="Größe")
def note() -> str:
    """One note."""
    return "a note"


inner = mcp.streamable_http_app(json_response=sys.argv[2] == "json", stateless_http=True)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve, and add the header of 2026-07-28 where it is missing."""
    if scope["type"] == "http" and b"mcp-protocol-version" not in dict(scope["headers"]):
        scope = {**scope, "headers": [*scope["headers"], (b"mcp-protocol-version", b"2026-07-28")]}
    await inner(scope, receive, send)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
