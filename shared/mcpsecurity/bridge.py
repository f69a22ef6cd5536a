"""The public names of `mcpsecurity.client` and `mcpsecurity.kernel` under their first path, which stays.

Semantic Kernel is loaded when one of the kernel's names is first asked for.
"""

from importlib import import_module
from typing import Any

from mcpsecurity import client
from mcpsecurity.client import *  # noqa: F403 - all of its names are public here

_OF_THE_KERNEL = [
    "CallTool", "ToolSource", "function_name", "import_mcp_tools", "tool_function", "tool_functions",
]  # fmt: skip
__all__ = [*client.__all__, *_OF_THE_KERNEL]  # noqa: PLE0604 - strings, all of them


def __getattr__(name: str) -> Any:
    if name not in _OF_THE_KERNEL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("mcpsecurity.kernel"), name)
