"""A secure MCP system on aiohttp, Microsoft Entra ID and Semantic Kernel: the part that others reuse.

Names are loaded when they are first asked for, so that importing this is quick, and the MCP server, which
does not need Semantic Kernel, never loads it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcpsecurity.kernel import McpClient, import_mcp_tools

__all__ = ["McpClient", "import_mcp_tools"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mcpsecurity.kernel"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
