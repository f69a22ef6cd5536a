"""A server on the framework FastMCP, whose tools ask, report and log.

The port is the first argument; the second may be "sse", for the older transport.
"""

import asyncio
import sys
from dataclasses import dataclass
from typing import Any

from fastmcp import Context, FastMCP

mcp: FastMCP[Any] = FastMCP("FastMCP")


@dataclass
class Person:
    """What is asked for."""

    name: str


@mcp.tool
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@mcp.tool
def fail() -> None:
    """Fail."""
    raise ValueError("as it should")


@mcp.tool
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


@mcp.tool
async def greet(ctx: Context) -> str:
    """Ask for a name."""
    answer = await ctx.elicit("What is your name?", Person)
    return f"Hello {answer.data.name if answer.action == 'accept' else answer.action}"


@mcp.tool
async def report(ctx: Context) -> str:
    """Report progress, and log."""
    await ctx.info("begun")
    await ctx.report_progress(1, 2, "half")
    return "reported"


@mcp.prompt
def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Greet {name}."


@mcp.resource("note://one")
def note() -> str:
    """Return a note."""
    return "a note"


@mcp.resource("note://by/{name}")
def note_by(name: str) -> str:
    """Return somebody's note."""
    return f"a note by {name}"


if __name__ == "__main__":
    transport: Any = "sse" if "sse" in sys.argv else "http"
    mcp.run(transport=transport, host="127.0.0.1", port=int(sys.argv[1]), show_banner=False)
