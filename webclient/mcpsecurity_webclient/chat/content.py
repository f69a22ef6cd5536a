"""A tool's result, as the page shows it and bounded in size."""

from typing import Any

from mcp import types

__all__ = ["content_json", "structured_json"]

_MAX_TEXT = 100_000
_MAX_IMAGE = 4 * 1024 * 1024
_MAX_PARTS = 50
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def content_json(result: types.CallToolResult) -> tuple[list[dict[str, Any]], bool]:
    """Return the parts of a result, and whether something was left out."""
    left, truncated, parts = _MAX_TEXT, len(result.content) > _MAX_PARTS, []
    for block in result.content[:_MAX_PARTS]:
        part = _part(block)
        if "text" in part:
            truncated = truncated or len(part["text"]) > left
            part["text"] = part["text"][:left]
            left -= len(part["text"])
        parts.append(part)
    return parts, truncated


def structured_json(result: types.CallToolResult) -> Any:
    """Return the structured content; None when there is none or it is too large to show."""
    structured = result.structuredContent
    return structured if structured is None or len(str(structured)) <= 2 * _MAX_TEXT else None


def _part(block: types.ContentBlock) -> dict[str, Any]:
    match block:
        case types.TextContent():
            return {"type": "text", "text": block.text}
        case types.ImageContent() if block.mimeType in _IMAGES and len(block.data) <= _MAX_IMAGE:
            return {"type": "image", "mime_type": block.mimeType, "data": block.data}
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            mime_type = resource.mimeType or "text/plain"
            return {
                "type": "resource",
                "uri": str(resource.uri),
                "mime_type": mime_type,
                "text": resource.text,
            }
        case types.EmbeddedResource():
            return {"type": "resource", "uri": str(block.resource.uri), "mime_type": block.resource.mimeType}
        case types.ResourceLink():
            return {"type": "link", "uri": str(block.uri), "name": block.name}
        case types.ImageContent() | types.AudioContent():
            return {"type": "unsupported", "mime_type": block.mimeType}
