"""The function by which a model looks for tools that it was not given, because there are too many.

It is ours, not a server's: it only reads what the servers list, so no person is asked.
"""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

from mcp import types
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.kernel import tool_functions
from mcpsecurity_webclient.chat.mcp.offer import Found

_PLUGIN, _NAME = "_tools", "find"
FIND_TOOLS = f"{_PLUGIN}-{_NAME}"
"""The function's name for the model. No server can have it: their names begin with a letter."""

_MOST_WORDS = 500


def search_plugin(more: int) -> KernelPlugin:
    """Return the function in a plugin, for the model to read; it cannot be invoked. `more` is how many
    tools it can find."""
    tool = types.Tool(
        name=_NAME,
        description=f"Finds tools by words: there are {more} more than you were given. Look for one whenever "
        "none of yours does what is wanted, before you say that it cannot be done. Those that are found are "
        "yours to call next.",
        inputSchema={
            "type": "object",
            "properties": {
                "words": {"type": "string", "description": "What the tool has to do, in a few English words."}
            },
            "required": ["words"],
        },
    )
    return KernelPlugin(name=_PLUGIN, functions=tool_functions([tool], _PLUGIN, _refuse))


def wanted_words(arguments: dict[str, Any]) -> str:
    """Return the words of a call; arguments that are not text count as none."""
    words = arguments.get("words")
    return words[:_MOST_WORDS] if isinstance(words, str) else ""


def found_text(found: Iterable[Found]) -> str:
    """Return what the model reads of a search. The summaries are the servers' words, quoted as JSON."""
    lines = [f"- {tool.function}: {json.dumps(tool.summary, ensure_ascii=False)}" for tool in found]
    if not lines:
        return "No tool has these words. Try others, such as the thing that it is about."
    return "\n".join(["These tools fit best; you can call them now.", *lines])


async def _refuse(tool: types.Tool, arguments: dict[str, Any]) -> NoReturn:  # noqa: ARG001 - `CallTool`'s signature
    raise RuntimeError(f"the function {tool.name!r} is answered by the chat itself")
