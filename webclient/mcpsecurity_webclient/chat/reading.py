"""What prompts and resources of a server say, as text for the model: what it cannot see is named."""

from collections.abc import Iterable

from mcp import types

__all__ = ["attached_text", "block_text"]

_MAX = 50_000
"""Most characters of a resource that the model gets to read."""


def block_text(content: types.ContentBlock) -> str:
    """Return the text of a part of a prompt."""
    match content:
        case types.TextContent():
            return content.text
        case types.EmbeddedResource():
            return _cut(_resource_text(content.resource))
        case types.ResourceLink():
            return f"[link to the resource {content.uri}]"
    return _unseen(content.type, content.mimeType)


def attached_text(
    uri: str, contents: Iterable[types.TextResourceContents | types.BlobResourceContents]
) -> str:
    """Return the text of a resource that the person attached."""
    text = "\n\n".join(_resource_text(part) for part in contents)
    return f"The person attached the resource {uri}:\n\n" + _cut(text or "[it is empty]")


def _resource_text(part: types.TextResourceContents | types.BlobResourceContents) -> str:
    return part.text if isinstance(part, types.TextResourceContents) else _unseen("resource", part.mimeType)


def _unseen(kind: str, mime_type: str | None) -> str:
    return f"[{kind} of type {mime_type or 'unknown'}, which the model cannot see]"


def _cut(text: str) -> str:
    return text if len(text) <= _MAX else text[:_MAX] + "\n[the rest is left out]"
