"""Kernel functions of a server's tools, made once and shared by all conversations with the same tools.

A function weighs more than the conversation that uses it, so it is made when it is offered first. It only
describes its tool to the model: calls go through `chat/tools/calls.py`, which enforces approval, and a
function that is invoked refuses.
"""

import logging
from collections.abc import Iterable
from functools import cached_property, lru_cache
from typing import Any, NoReturn

from mcp import types
from semantic_kernel.functions import KernelFunction

from mcpsecurity.kernel import named_tools, tool_function
from mcpsecurity_webclient.chat.mcp.tool_ranking import ToolWords, words_of

MAX_TOOLS = 128
"""Most functions that the model's API takes."""

_log = logging.getLogger(__name__)
_KEPT = 200


class Toolset:
    """The tools of one listing by what the kernel calls them. A tool that no function can be made of is
    left out."""

    def __init__(self, plugin_name: str, definitions: tuple[str, ...]) -> None:
        self.plugin_name = plugin_name
        self.tools = tuple(types.Tool.model_validate_json(definition) for definition in definitions)
        self.named = named_tools(self.tools, plugin_name)
        self._made: dict[str, KernelFunction | None] = {}

    @property
    def left_out(self) -> list[str]:
        """The names of the tools that are known to have no function."""
        able = {tool.name for name, tool in self.named.items() if self._made.get(name, True) is not None}
        return [tool.name for tool in self.tools if tool.name not in able]

    def functions(self, names: Iterable[str]) -> dict[str, KernelFunction]:
        """Return the functions of these names, without those that cannot be made."""
        return {name: made for name in names if (made := self._function(name)) is not None}

    @cached_property
    def words(self) -> dict[str, ToolWords]:
        """What the tools are about, by the names of their functions."""
        return {name: words_of(tool) for name, tool in self.named.items()}

    def _function(self, name: str) -> KernelFunction | None:
        if name not in self._made:
            tool = self.named[name]
            try:
                self._made[name] = tool_function(tool, self.plugin_name, _refuse, name=name)
            except Exception:  # noqa: BLE001 - one bad schema must not hide the other tools
                _log.warning("the tool %r is left out", tool.name, exc_info=True)
                self._made[name] = None
        return self._made[name]


@lru_cache(maxsize=_KEPT)
def cached_toolset(plugin_name: str, definitions: tuple[str, ...]) -> Toolset:
    """Return the toolset of a listing; `definitions` are the tools as JSON."""
    return Toolset(plugin_name, definitions)


async def _refuse(tool: types.Tool, arguments: dict[str, Any]) -> NoReturn:  # noqa: ARG001 - `CallTool`'s signature
    raise RuntimeError(f"the function of the tool {tool.name!r} only describes it")
