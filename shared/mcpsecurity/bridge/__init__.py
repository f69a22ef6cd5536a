"""The kernel bridge: an MCP server's tools as functions of a Semantic Kernel kernel.

async with McpConnection(url, auth=TokenAuth(get_token)) as server:
    plugin = await import_mcp_tools(kernel, server)
"""

from mcpsecurity.bridge.auth import GetToken, TokenAuth
from mcpsecurity.bridge.connection import McpConnection, OnNotification
from mcpsecurity.bridge.errors import (
    AccessDeniedError,
    BridgeError,
    InsufficientScopeError,
    ProtocolError,
    ServerUnavailableError,
    SessionLostError,
    SignInRequiredError,
    ToolFailedError,
)
from mcpsecurity.bridge.session import ConcurrentSession, call_tool
from mcpsecurity.bridge.tools import (
    CallTool,
    ToolSource,
    function_name,
    import_mcp_tools,
    result_text,
    tool_function,
)

__all__ = [
    "AccessDeniedError",
    "BridgeError",
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
    "call_tool",
    "function_name",
    "import_mcp_tools",
    "result_text",
    "tool_function",
]
