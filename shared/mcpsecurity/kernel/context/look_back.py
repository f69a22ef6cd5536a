"""The function by which a model reads parts of its conversation that it was not sent in full.

It is ours, not a server's: it only reads what this conversation has, so no person is asked.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from mcp import types
from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
)
from semantic_kernel.functions import KernelPlugin

from mcpsecurity.kernel.context.turns import is_left_out
from mcpsecurity.kernel.functions import CallTool, tool_functions

_PLUGIN, _NAME = "_conversation", "look_back"
LOOK_BACK = f"{_PLUGIN}-{_NAME}"
"""The function's name for the model. No server can have it: their names begin with a letter."""

_TOOL = types.Tool(
    name=_NAME,
    description="Reads parts of this conversation that you were not sent in full: what was left out of long "
    "results, and everything before your note. With find: the passages that have these words, from all parts "
    "or from one. With part: that part from offset on.",
    inputSchema={
        "type": "object",
        "properties": {
            "find": {"type": "string", "description": "Words to look for."},
            "part": {"type": "string", "description": "A part, as its excerpt or a passage names it."},
            "offset": {"type": "integer", "minimum": 0, "description": "Character to begin with."},
        },
    },
)
_PASSAGE = 400
_MOST_PASSAGES = 8
_MOST_PLACES = 2_000
_MOST_WORDS, _LONGEST_FIND = 20, 500
_WORD = re.compile(r"\w{3,}")


def look_back_plugin(call: CallTool | None = None) -> KernelPlugin:
    """Return the function in a plugin. Without `call` it is only for the model to read, and cannot be
    invoked."""
    return KernelPlugin(name=_PLUGIN, functions=tool_functions([_TOOL], _PLUGIN, call or _refuse))


def look_back(turns: Sequence[ChatMessageContent], arguments: dict[str, Any], characters: int) -> str:
    """Return what the model wants to read, at most about so many characters. In a long conversation that
    takes seconds: call it in a thread."""
    parts = dict(texts_by_part(turns))
    find, part, offset = arguments.get("find"), arguments.get("part"), arguments.get("offset")
    if isinstance(part, str) and part not in parts:
        return f"There is no part {part[:50]!r}. Leave it out to look through all parts."
    chosen = {part: parts[part]} if isinstance(part, str) else parts
    if isinstance(find, str) and find.strip():
        return _found(chosen, find.strip()[:_LONGEST_FIND], characters)
    if isinstance(part, str):
        begin = min(max(offset, 0), len(parts[part])) if isinstance(offset, int) else 0
        text = parts[part][begin : begin + characters]
        return f"{part}, characters {begin} to {begin + len(text)} of {len(parts[part])}:\n{text}"
    return "Say what to find, or which part to read."


def texts_by_part(turns: Sequence[ChatMessageContent]) -> Iterator[tuple[str, str]]:
    """Yield the parts of a conversation with their texts: results by the ids of their calls, messages by
    their places."""
    for place, turn in enumerate(turns):
        if turn.role == AuthorRole.SYSTEM or is_left_out(turn):
            continue
        for item in turn.items:
            if isinstance(item, FunctionResultContent):
                yield item.id or f"result-{place}", str(item.result)
        if turn.content and turn.role in (AuthorRole.USER, AuthorRole.ASSISTANT):
            calls = any(isinstance(item, FunctionCallContent) for item in turn.items)
            yield f"{'call' if calls else turn.role.value}-{place}", turn.content


def _found(parts: dict[str, str], find: str, characters: int) -> str:
    """Return the passages that have the words, the best first."""
    size = max(min(_PASSAGE, characters // 4), 80)
    ranked = sorted(_passages(parts, find, size), key=lambda found: -found[0])
    lines: list[str] = []
    for _, part, begin in ranked[:_MOST_PASSAGES]:
        passage = parts[part][begin : begin + 2 * size]
        line = f"{part}, from character {begin} of {len(parts[part])}:\n{passage}"
        if sum(map(len, lines)) + len(line) > characters:
            break
        lines.append(line)
    return "\n\n".join(lines) or "Nothing has these words."


def _passages(parts: dict[str, str], find: str, size: int) -> Iterator[tuple[int, str, int]]:
    """Yield how many of the words each passage has, its part and its place."""
    words = list(dict.fromkeys(_WORD.findall(find.lower()) or [find.lower()]))[:_MOST_WORDS]
    for part, text in parts.items():
        folded = text.lower()
        hits: dict[int, set[str]] = {}
        for word in words:
            at, seen = folded.find(word), 0
            while at >= 0 and seen < _MOST_PLACES:
                hits.setdefault(at // size, set()).add(word)
                at, seen = folded.find(word, at + size), seen + 1
        whole = folded.find(find.lower())
        for block, had in hits.items():
            bonus = len(words) if whole // size == block else 0
            yield len(had) + bonus, part, max(block * size - size // 2, 0)


async def _refuse(tool: types.Tool, arguments: dict[str, Any]) -> NoReturn:  # noqa: ARG001 - `CallTool`'s signature
    raise RuntimeError(f"the function {tool.name!r} is answered by the chat itself")
