"""A server with the stdio transport: it keeps notes, asks its person, reports progress, and can end."""

import asyncio
import os
from pathlib import Path
from typing import Any

from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel

mcp = FastMCP("notes", instructions="Keeps notes.", log_level="WARNING")
notes: list[str] = []


class Sure(BaseModel):
    """The form."""

    sure: bool


@mcp.tool()
def process() -> int:
    """Return the id of this process."""
    return os.getpid()


@mcp.tool()
def variable(name: str) -> str:
    """Return a variable of the environment."""
    return os.environ.get(name, "not set")


@mcp.tool()
def folder() -> str:
    """Return the folder in which this process runs."""
    return str(Path.cwd())


@mcp.tool()
def note(text: str) -> str:
    """Keep a note, and return all."""
    notes.append(text)
    return ", ".join(notes)


@mcp.tool()
async def ask(ctx: Context[Any, Any, Any]) -> str:
    """Ask the person, and report progress before."""
    await ctx.report_progress(1, 2, "asking")
    answer = await ctx.elicit("Are you sure?", Sure)
    return f"{answer.action}: {getattr(answer, 'data', None)}"


@mcp.tool()
async def wait(ctx: Context[Any, Any, Any]) -> str:
    """Wait until the call is cancelled, and note that."""
    await ctx.report_progress(0, None, "waiting")
    notes.append("waiting")
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        notes.append("cancelled")
        raise
    return "nobody cancelled"


@mcp.tool()
def end() -> str:
    """End the process in the middle of the call."""
    os._exit(3)


@mcp.tool()
def chat(text: str) -> str:
    """Print something where only messages belong, as some servers do."""
    print(text, flush=True)
    return "printed"


@mcp.tool()
def doubled(number: float) -> float:
    """Return twice a number."""
    return 2 * number


@mcp.tool()
async def learn(ctx: Context[Any, Any, Any]) -> str:
    """Get another tool, and say so."""
    mcp.add_tool(process, name="another")
    await ctx.session.send_tool_list_changed()
    return "learned"


@mcp.resource("notes://all")
def all_notes() -> str:
    """Return the notes."""
    return "\n".join(notes)


@mcp.prompt()
def remember(what: str) -> str:
    """Ask the model to remember something."""
    return f"Remember {what}."


if __name__ == "__main__":
    mcp.run()
