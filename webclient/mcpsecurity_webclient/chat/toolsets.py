"""What a server offers, made into a kernel plugin once and shared by all conversations that see the same.

A plugin weighs more than the conversation that uses it. It holds nothing of a person: its functions call what
the desk of the conversation at work has got approved (`calls.call_approved`).
"""

from functools import cached_property, lru_cache

from mcp import types
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.bridge import tool_functions
from mcpsecurity_webclient.chat.calls import call_approved

__all__ = ["Toolset", "toolset"]

_KEPT = 200


class Toolset:
    """The tools of one listing, and their plugin. Nobody changes either."""

    def __init__(self, plugin_name: str, definitions: tuple[str, ...]) -> None:
        self.plugin_name = plugin_name
        self.tools = tuple(types.Tool.model_validate_json(definition) for definition in definitions)

    @cached_property
    def plugin(self) -> KernelPlugin:
        """The tools as functions, each of which makes the call that was approved and no other."""
        return KernelPlugin(
            name=self.plugin_name, functions=tool_functions(self.tools, self.plugin_name, call_approved)
        )

    @cached_property
    def functions(self) -> dict[str, types.Tool]:
        """The tools by what the kernel calls them."""
        tools = {tool.name: tool for tool in self.tools}
        found: dict[str, types.Tool] = {}
        for name, function in self.plugin.functions.items():
            properties = function.metadata.additional_properties or {}
            found[name] = tools[properties["tool"]]
        return found


@lru_cache(maxsize=_KEPT)
def toolset(plugin_name: str, definitions: tuple[str, ...]) -> Toolset:
    """Return the toolset of a listing; `definitions` are the tools as JSON."""
    return Toolset(plugin_name, definitions)
