"""A FastMCP program whose tools do what a test needs, step by step."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mcp import types
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel

__all__ = ["Gate", "Name", "program"]


class Name(BaseModel):
    """What a form asks for."""

    name: str


class Gate:
    """Where a tool waits until a test lets it go on, and what became of it."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.opened = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def pass_through(self) -> None:
        self.entered.set()
        try:
            async with asyncio.timeout(30):
                await self.opened.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


ToolContext = Context[Any, Any, Any]
Act = Callable[[ToolContext], Awaitable[str]]


def program(gate: Gate | None = None, act: Act | None = None) -> FastMCP[Any]:
    """Return a program; its tool `wait` passes the gate, its tool `act` does what `act` does."""
    mcp: FastMCP[Any] = FastMCP("Program")
    _add_plain_features(mcp)
    _add_waiting_tools(mcp, gate)

    @mcp.tool(name="act")
    async def do_act(ctx: ToolContext) -> str:
        """Do what the test wants."""
        assert act is not None
        return await act(ctx)

    @mcp.tool()
    async def greet(ctx: ToolContext) -> str:
        """Ask for a name."""
        answer = await ctx.elicit("Who are you?", Name)
        return f"Hello {answer.data.name}" if answer.action == "accept" else answer.action

    return mcp


def _add_plain_features(mcp: FastMCP[Any]) -> None:
    @mcp.tool()
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @mcp.resource("fixed://one")
    def one() -> str:
        """A fixed text."""
        return "one"

    @mcp.prompt()
    def ask(topic: str) -> str:
        """A question."""
        return f"What is {topic}?"

    @mcp.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK has no types for it
    async def complete(_: Any, argument: types.CompletionArgument, __: Any) -> types.Completion:
        return types.Completion(values=[argument.value + "!"])


def _add_waiting_tools(mcp: FastMCP[Any], gate: Gate | None) -> None:
    @mcp.tool()
    async def wait() -> str:
        """Wait for the gate."""
        assert gate is not None
        await gate.pass_through()
        return "waited"

    @mcp.tool()
    async def wait_loudly(ctx: ToolContext) -> str:
        """Say something, wait for the gate, say something more."""
        assert gate is not None
        await ctx.info("before")
        await gate.pass_through()
        await ctx.info("after")
        return "waited"
