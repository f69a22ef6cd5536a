"""Typed errors for what the SDK raises when a connection cannot be opened, or ends."""

import asyncio

from mcp import types
from mcp.shared.exceptions import McpError

from mcpsecurity.client.errors import BridgeError, ServerUnavailableError

__all__ = ["UNKNOWN_OUTCOME", "is_closed", "opening_error"]

UNKNOWN_OUTCOME = "The connection to the MCP server was closed. It is not known whether this was completed."


def is_closed(error: McpError) -> bool:
    """Tell whether the SDK reports the end of the connection. Servers use this code, too."""
    return error.error.code == types.CONNECTION_CLOSED and error.error.message == "Connection closed"


def opening_error(error: BaseException, url: str) -> BaseException:
    """Return the first error of a group, as a `BridgeError` or a cancellation."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BridgeError | asyncio.CancelledError):
        return error
    of_version = isinstance(error, RuntimeError) and "protocol version" in str(error)
    if of_version:
        version = str(error).rpartition(":")[2].strip()[:40]
        text = f"The MCP server at {url} speaks revision {version}, which this client does not."
    else:
        text = f"The connection to the MCP server at {url} could not be opened: {type(error).__name__}."
    failure = ServerUnavailableError(text)
    failure.era_is_doubtful = of_version
    failure.__cause__ = error
    return failure
