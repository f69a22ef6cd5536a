"""An MCP server in a Semantic Kernel kernel: its tools as functions, and a client that keeps them in step.

kernel = Kernel()
client = await McpClient.connect(kernel, url, credential, scope)
answer = await kernel.invoke_prompt("…", settings)      # or an agent with this kernel

Semantic Kernel is loaded when a name that needs it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mcpsecurity.kernel.client import McpClient

if TYPE_CHECKING:
    from mcpsecurity.kernel.functions import (
        CallTool,
        ToolSource,
        function_name,
        import_mcp_tools,
        named_tools,
        tool_function,
        tool_functions,
    )
    from mcpsecurity.kernel.model import ChatModel, ChatModelSettings

__all__ = [
    "CallTool",
    "ChatModel",
    "ChatModelSettings",
    "McpClient",
    "ToolSource",
    "function_name",
    "import_mcp_tools",
    "named_tools",
    "tool_function",
    "tool_functions",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "model" if name.startswith("ChatModel") else "functions"
    return getattr(import_module(f"mcpsecurity.kernel.{home}"), name)
