"""A server on chuk-mcp-server, an implementation of its own. The port is the first argument."""

import asyncio
import sys

from chuk_mcp_server import ChukMCPServer

mcp = ChukMCPServer("chuk", version="1")


@mcp.tool
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@mcp.tool
async def wait(seconds: float) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "waited"


@mcp.resource("note://one")
def note() -> str:
    """Return a note."""
    return "a note"


if __name__ == "__main__":
    mcp.run(host="127.0.0.1", port=int(sys.argv[1]))
