"""An MCP server in a Semantic Kernel kernel: its tools as functions, and a client that keeps them in step.

kernel = Kernel()
client = await McpClient.connect(kernel, url, credential, scope)
answer = await kernel.invoke_prompt("…", settings)      # or an agent with this kernel
"""

from mcpsecurity.kernel.client import McpClient
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
