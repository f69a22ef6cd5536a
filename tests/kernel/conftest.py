"""The local stack, an MCP server of many habits behind it, and kernels."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from mcp.server.fastmcp import Context, FastMCP, Image
from pydantic import BaseModel
from semantic_kernel import Kernel

from mcpsecurity.testing import LocalStack, ServedMcp

ToolContext = Context[Any, Any, Any]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Greeting(BaseModel):
    """A form."""

    name: str
    loud: bool = False


def program() -> FastMCP[Any]:
    """Return a server with a tool for each thing that a client has to cope with."""
    mcp: FastMCP[Any] = FastMCP("Program")

    @mcp.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @mcp.tool()
    def fail(reason: str) -> str:
        """Fail."""
        raise ValueError(reason)

    @mcp.tool(structured_output=False)
    def picture() -> Image:
        """Draw one pixel."""
        return Image(data=PIXEL, format="png")

    _add_long_tools(mcp)

    @mcp.prompt()
    def introduce(name: str, style: str = "short") -> str:
        """Introduce somebody."""
        return f"Introduce {name}, {style}."

    @mcp.resource("note://today")
    def today() -> str:
        """Today's note."""
        return "buy milk"

    return mcp


def _add_long_tools(mcp: FastMCP[Any]) -> None:
    """Add the tools that say something before they end, or never end."""

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        """Ask whom to greet."""
        answer = await ctx.elicit("Whom?", Greeting)
        return f"Hello {answer.data.name}" if answer.action == "accept" else answer.action

    @mcp.tool()
    async def report(ctx: ToolContext) -> str:
        """Report progress."""
        await ctx.report_progress(1, 2, "half")
        return "done"

    @mcp.tool()
    async def wait() -> str:
        """Wait for ever."""
        await asyncio.Event().wait()
        return "never"

    @mcp.tool()
    async def retire(name: str, ctx: ToolContext) -> str:
        """Take a tool away."""
        mcp.remove_tool(name)
        await ctx.session.send_tool_list_changed()
        return "retired"


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def server(stack: LocalStack) -> ServedMcp:
    return stack.serve(program())


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
async def thinking_kernel(stack: LocalStack) -> AsyncIterator[Kernel]:
    """A kernel with a chat service on the local cloud's model."""
    service = stack.chat_completion()
    kernel = Kernel()
    kernel.add_service(service)
    yield kernel
    await service.close()
