"""Pictures in messages and in the results of tools, as data URLs."""

from collections.abc import Iterator
from typing import Any

from mcp import types
from semantic_kernel.contents import ChatMessageContent, FunctionResultContent

_KINDS = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""What models take (OpenAI's guide on vision)."""


def picture_parts(message: ChatMessageContent) -> Iterator[str]:
    """Yield the pictures of the tool results in a message, as data URLs."""
    for item in message.items:
        if isinstance(item, FunctionResultContent):
            yield from pictures_of(item)


def pictures_of(item: FunctionResultContent) -> Iterator[str]:
    """Yield the pictures of one result: of a `ToolText`, or listed in its metadata as `pictures`."""
    result: Any = getattr(item.result, "result", None)
    if isinstance(result, types.CallToolResult):
        for part in result.content:
            if isinstance(part, types.ImageContent) and part.mimeType in _KINDS:
                yield f"data:{part.mimeType};base64,{part.data}"
    yield from item.metadata.get("pictures", ())
