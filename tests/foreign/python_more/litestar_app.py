"""A server on litestar-mcp, which speaks revision 2026-07-28 only. The port is the first argument."""

import asyncio
import sys

from litestar_mcp import MCP

mcp = MCP("litestar")


@mcp.tool()
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@mcp.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("as it should")


@mcp.tool()
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


@mcp.prompt()
def greeting(name: str) -> str:
    """Greet somebody."""
    return f"Greet {name}."


@mcp.resource("note://one")
def note() -> str:
    """Return a note."""
    return "a note"


app = mcp.app  # `run` looks for it

if __name__ == "__main__":
    mcp.run(transport="streamable-http", port=int(sys.argv[1]))
