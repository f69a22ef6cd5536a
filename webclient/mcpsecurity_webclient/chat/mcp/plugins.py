"""What a server offers, made into a kernel plugin once and shared by all conversations that see the same.

A plugin weighs more than the conversation that uses it. Its functions only describe tools to the model: calls
go through `chat/tools/calls.py`, which enforces approval, and a function that is invoked refuses.
"""

import logging
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NoReturn

from mcp import types
from semantic_kernel.functions import KernelFunction, KernelPlugin

from mcpsecurity.kernel import tool_functions

__all__ = ["MAX_TOOLS", "Toolset", "cached_toolset"]

MAX_TOOLS = 128
"""Most functions that the model's API takes."""

_log = logging.getLogger(__name__)
_KEPT = 200


class Toolset:
    """The tools of one listing, and their plugin. Both are immutable.

    A tool that no function can be made of is left out, and so are those beyond the first `limit`.
    """

    def __init__(self, plugin_name: str, definitions: tuple[str, ...], limit: int = MAX_TOOLS) -> None:
        self.plugin_name = plugin_name
        self.tools = tuple(types.Tool.model_validate_json(definition) for definition in definitions)
        self._limit = limit

    @cached_property
    def plugin(self) -> KernelPlugin:
        """The tools as functions, for the model to read; none can be invoked."""
        return KernelPlugin(name=self.plugin_name, functions=[function for function, _ in self._made])

    @cached_property
    def functions(self) -> dict[str, types.Tool]:
        """The tools by what the kernel calls them."""
        return {function.name: tool for function, tool in self._made}

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """The names of the tools that have no function."""
        offered = {tool.name for _, tool in self._made}
        return tuple(tool.name for tool in self.tools if tool.name not in offered)

    @cached_property
    def _made(self) -> list[tuple[KernelFunction, types.Tool]]:
        tools = list(islice(filter(self._can_be_made, self.tools), self._limit))
        functions = tool_functions(tools, self.plugin_name, _refuse)
        return list(zip(functions, tools, strict=True))

    def _can_be_made(self, tool: types.Tool) -> bool:
        try:
            return bool(tool_functions([tool], self.plugin_name, _refuse))
        except Exception:  # noqa: BLE001 - whatever a server writes, its other tools are offered
            _log.warning("the tool %r is left out", tool.name, exc_info=True)
            return False


@lru_cache(maxsize=_KEPT)
def cached_toolset(plugin_name: str, definitions: tuple[str, ...], limit: int = MAX_TOOLS) -> Toolset:
    """Return the toolset of a listing; `definitions` are the tools as JSON."""
    return Toolset(plugin_name, definitions, limit)


async def _refuse(tool: types.Tool, arguments: dict[str, Any]) -> NoReturn:  # noqa: ARG001 - `CallTool`'s signature
    raise RuntimeError(f"the function of the tool {tool.name!r} only describes it")
