"""A tool's result as the page shows it, bounded in size."""

from typing import Any, cast

from mcp import types

from mcpsecurity.client.parts import decoded
from mcpsecurity.runtime.exact_decimals import dumps
from mcpsecurity_webclient.chat.views import ContentView

_MAX_TEXT = 100_000
_MAX_IMAGE = 4 * 1024 * 1024
_MAX_PARTS = 50
_AUDIO = {"audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/x-wav", "audio/webm", "audio/flac"}
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}


def content_json(result: types.CallToolResult) -> tuple[list[ContentView], bool]:
    """Return the parts of a result, and whether anything was left out. Structured content that is too large
    is included as text unless the result has other text."""
    left, parts, shown = _MAX_TEXT, [], [_part(block) for block in result.content[:_MAX_PARTS]]
    truncated = len(result.content) > _MAX_PARTS
    if result.structuredContent is not None and structured_json(result) is None:
        truncated = True
        if not any(part.get("text") for part in shown):
            shown.append({"type": "text", "text": dumps(result.structuredContent, ensure_ascii=False)})
    for part in shown:
        if "text" in part:
            truncated = truncated or len(part["text"]) > left
            part["text"] = part["text"][:left]
            left -= len(part["text"])
        parts.append(part)
    return cast("list[ContentView]", parts), truncated


def shown_parts(result: types.CallToolResult) -> list[types.ContentBlock]:
    """Return the parts of a result that the page shows as pictures."""
    return [part for part in result.content[:_MAX_PARTS] if _part(part)["type"] == "image"]


def structured_json(result: types.CallToolResult) -> Any:
    """Return the structured content; None when it is missing or too large to show."""
    structured = result.structuredContent
    return structured if structured is None or len(str(structured)) <= 2 * _MAX_TEXT else None


def _part(block: types.ContentBlock) -> dict[str, Any]:
    match block:
        case types.TextContent():
            return {"type": "text", "text": block.text}
        case types.ImageContent() if (
            block.mimeType in _IMAGES and len(block.data) <= _MAX_IMAGE and decoded(block.data)
        ):
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
            return _binary(block.resource)
        case types.AudioContent() if (
            block.mimeType in _AUDIO and len(block.data) <= _MAX_IMAGE and decoded(block.data)
        ):
            return {"type": "audio", "mime_type": block.mimeType, "data": block.data}
        case types.ResourceLink():
            return {"type": "link", "uri": str(block.uri), "name": block.name}
        case types.ImageContent() | types.AudioContent():
            return {"type": "unsupported", "mime_type": block.mimeType} | _too_large(block.data)


def _binary(resource: types.TextResourceContents | types.BlobResourceContents) -> dict[str, Any]:
    """Return a binary resource, with its content unless that is too large or broken."""
    shown: dict[str, Any] = {"type": "resource", "uri": str(resource.uri), "mime_type": resource.mimeType}
    blob = resource.blob if isinstance(resource, types.BlobResourceContents) else ""
    return {**shown, "data": blob} if len(blob) <= _MAX_IMAGE and decoded(blob) else shown | _too_large(blob)


def _too_large(data: str) -> dict[str, Any]:
    """Return how many bytes base64 has, if those are too many to be shown."""
    return {"size": len(data) * 3 // 4} if len(data) > _MAX_IMAGE else {}
