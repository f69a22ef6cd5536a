"""The kernel bridge: an MCP server's tools as functions of a Semantic Kernel kernel.

async with McpConnection(url, auth=TokenAuth(get_token)) as server:
    plugin = await import_mcp_tools(kernel, server)

The part that needs Semantic Kernel is loaded when one of its names is first asked for; the connection works
without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mcpsecurity.bridge.auth import GetToken, TokenAuth
from mcpsecurity.bridge.connection import McpConnection, OnNotification
from mcpsecurity.bridge.errors import (
    AccessDeniedError,
    BridgeError,
    CallDeclinedError,
    InsufficientScopeError,
    ProtocolError,
    ServerUnavailableError,
    SessionLostError,
    SignInRequiredError,
    ToolFailedError,
)
from mcpsecurity.bridge.results import ToolText, result_text
from mcpsecurity.bridge.session import ConcurrentSession, call_tool

if TYPE_CHECKING:
    from mcpsecurity.bridge.tools import (
        CallTool,
        ToolSource,
        function_name,
        import_mcp_tools,
        tool_function,
        tool_functions,
    )

__all__ = [
    "AccessDeniedError",
    "BridgeError",
    "CallDeclinedError",
    "CallTool",
    "ConcurrentSession",
    "GetToken",
    "InsufficientScopeError",
    "McpConnection",
    "OnNotification",
    "ProtocolError",
    "ServerUnavailableError",
    "SessionLostError",
    "SignInRequiredError",
    "TokenAuth",
    "ToolFailedError",
    "ToolSource",
    "ToolText",
    "call_tool",
    "function_name",
    "import_mcp_tools",
    "result_text",
    "tool_function",
    "tool_functions",
]

_OF_THE_KERNEL = {
    "CallTool",
    "ToolSource",
    "function_name",
    "import_mcp_tools",
    "tool_function",
    "tool_functions",
}


def __getattr__(name: str) -> Any:
    if name not in _OF_THE_KERNEL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mcpsecurity.bridge.tools"), name)
