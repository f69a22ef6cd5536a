"""The protocol's names that more than one part of the transport needs, and audit and telemetry with it.

Revisions, headers, notifications, log levels, and error codes with their HTTP status (specification
2026-07-28, basic/index and transports).
"""

from typing import Any, Final

from mcp import types
from mcp.shared.exceptions import McpError
from multidict import istr

from mcpsecurity_server.transport.jsonrpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RESOURCE_NOT_FOUND,
)

SESSION_VERSIONS: Final = ("2025-03-26", "2025-06-18", "2025-11-25")
"""The revisions that begin with `initialize` and live in sessions, the latest last."""

STATELESS_VERSION: Final = "2026-07-28"
"""The revision without sessions: each request carries what `initialize` would have said."""

ALL_VERSIONS: Final = (STATELESS_VERSION, *reversed(SESSION_VERSIONS))
"""Every revision that is served, the latest first."""

SESSION_HEADER: Final = istr("Mcp-Session-Id")
VERSION_HEADER: Final = istr("MCP-Protocol-Version")

RESOURCE_UPDATED: Final = "notifications/resources/updated"
LOG_MESSAGE: Final = "notifications/message"

LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022

_STATUSES: Final = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    MISSING_CAPABILITY: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}


def negotiate_version(requested: str) -> str:
    """Return the version to answer an `initialize` with: the client's if it is served, else our latest."""
    return requested if requested in SESSION_VERSIONS else SESSION_VERSIONS[-1]


def has_batches(version: str) -> bool:
    """Tell whether a POST may carry several messages: 2025-03-26 only."""
    return version == "2025-03-26"


def has_priming(version: str) -> bool:
    """Tell whether a stream begins with an event that the client can resume from: since 2025-11-25.

    Older clients would read its empty data as a message.
    """
    return version >= "2025-11-25"


def notification(method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a notification as a JSON value."""
    message: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    return message


def mcp_error(code: int, text: str, data: Any = None) -> McpError:
    """Return the error that a tool gets when its client cannot be asked, or answers with an error."""
    return McpError(types.ErrorData(code=code, message=text, data=data))


def log_passes(level: str | None, method: str, params: dict[str, Any] | None) -> bool:
    """Tell whether a notification may be sent: log messages below the client's `level` may not."""
    if level is None or method != LOG_MESSAGE or params is None:
        return True
    return LOG_LEVELS.index(str(params["level"])) >= LOG_LEVELS.index(level)


def http_status(code: int) -> int:
    """Return the HTTP status that 2026-07-28 gives an error; 200 for a code of the program's own."""
    return _STATUSES.get(code, 200)


def stateless_code(code: int) -> int:
    """Return the code that 2026-07-28 has instead of an earlier revision's."""
    return INVALID_PARAMS if code == RESOURCE_NOT_FOUND else code
