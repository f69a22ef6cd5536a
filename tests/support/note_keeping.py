"""What clients do with the server that keeps notes, `tests/server/stdio/notes.py`."""

import asyncio
import json
from typing import Any

import pytest
from tests.support.eventually import eventually

from mcpsecurity.client import McpConnection, result_text


async def said(connection: McpConnection, tool: str, progress: Any = None, **arguments: Any) -> str:
    """Call a tool and return its text."""
    return result_text(await connection.call_tool(tool, arguments, progress))


async def process_of(connection: McpConnection) -> int:
    """Return the id of the server's process."""
    process: int = json.loads(await said(connection, "process"))["result"]
    return process


async def check_cancellation(connection: McpConnection) -> None:
    """Check that a call whose caller leaves is cancelled in the server."""
    call = asyncio.ensure_future(said(connection, "wait"))

    async def noted(word: str) -> bool:
        return word in await said(connection, "note", text="-")

    await eventually(lambda: noted("waiting"))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await eventually(lambda: noted("cancelled"))
