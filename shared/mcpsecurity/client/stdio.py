"""MCP servers that are commands of this machine: they speak over their standard streams."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
from mcp import McpError, types

from mcpsecurity.client.errors import CommandError
from mcpsecurity.client.pipes import Command, message_streams
from mcpsecurity.client.session import ConcurrentSession

START_SECONDS: Final = 120.0
"""`npx` and `uvx` load packages at the first start."""
_CLOSED = (anyio.BrokenResourceError, anyio.ClosedResourceError)
_ENDED = (*_CLOSED, OSError, McpError, RuntimeError, ValueError, BaseExceptionGroup)
"""What a process raises that does not start, speaks no MCP, or ends; the SDK's tasks raise groups."""


@contextlib.asynccontextmanager
async def command_session(
    command: Command, ended: asyncio.Event, *, start_seconds: float = START_SECONDS, **options: Any
) -> AsyncIterator[tuple[ConcurrentSession, types.InitializeResult]]:
    """Run a command, and yield a session with it and what it says of itself.

    `ended` is set when the process has ended; calls that run then fail. `options` are those of the session.

    Raises:
        CommandError: the command does not start, or is no MCP server; the message says which, and why.
    """
    ready = False
    try:
        async with (
            message_streams(command, ended) as (read, write),
            ConcurrentSession(read, write, **options) as session,
        ):
            async with asyncio.timeout(start_seconds):
                greeting = await session.initialize()
            ready = True
            yield session, greeting
    except _ENDED as error:
        if not ready:
            raise _why(command, error) from error
    if not ready:  # the SDK's task groups swallow a cancellation that began in them
        raise _why(command, None)


def _why(command: Command, error: BaseException | None) -> CommandError:
    """Return why a command is no MCP server, in words. The command's own words are on stderr."""
    program = command.arguments[0]
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case FileNotFoundError():
            text = f"{program} is not found; is it installed, and on PATH?"
        case TimeoutError():  # which is an OSError, too
            text = (
                f"{program} runs, and said nothing as an MCP server in time; does it need a variable that it "
                "is not given (--env NAME)?"
            )
        case OSError():
            text = f"{program} cannot be started: {error.strerror or error}"
        case _:
            text = (
                f"{program} ended before it answered as an MCP server; what it printed, if anything, is above"
            )
    return CommandError(f"{command.name}: {text}" if command.name else text)
