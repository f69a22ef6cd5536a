"""What a tool returned: as text for a model, and in full for a program or a person."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, Self

from mcp import types

__all__ = ["Image", "ToolText", "result_text"]

_BASE64 = re.compile(r"(?:data:[^,]{0,200},)?[A-Za-z0-9+/_-]{400,}={0,2}\s*")
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Image:
    """An image among a tool's results. Notebooks show it."""

    data: bytes = field(repr=False)
    mime_type: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's signature
        if self.mime_type not in ("image/png", "image/jpeg", "image/gif", "image/webp"):
            return {"text/plain": repr(self)}  # an SVG from a server could carry scripts
        return {"text/plain": repr(self), self.mime_type: base64.b64encode(self.data).decode()}


class ToolText(str):
    """A tool's result as a model reads it; `result` has all that the server sent."""

    __slots__ = ("result",)

    result: types.CallToolResult

    @classmethod
    def of(cls, result: types.CallToolResult) -> Self:
        """Return the text of a result."""
        text = cls(result_text(result))
        text.result = result
        return text

    @property
    def structured(self) -> dict[str, Any] | None:
        """The structured result, which fits the tool's output schema; None if the tool has none."""
        return self.result.structuredContent

    @property
    def images(self) -> list[Image]:
        """The images in the result that can be read."""
        parts = [part for part in self.result.content if isinstance(part, types.ImageContent)]
        decoded = [(_decoded(part.data), part.mimeType) for part in parts]
        return [Image(data, mime_type) for data, mime_type in decoded if data is not None]


def result_text(result: types.CallToolResult, limit: int = 100_000) -> str:
    """Return what a model reads of a result: its parts as text.

    The structured content is read in place of parts that say nothing, or only repeat it as JSON. Of more than
    `limit` characters the beginning and the end remain, with a note between them.
    """
    texts = [
        part.text for part in result.content if isinstance(part, types.TextContent) and part.text.strip()
    ]
    if result.structuredContent is None or not _is_told_by(result, texts):
        return _shortened("\n".join(_part_text(part) for part in result.content), limit)
    structured = json.dumps(_without_binary(result.structuredContent), ensure_ascii=False)
    others = [_part_text(part) for part in result.content if not isinstance(part, types.TextContent)]
    return _shortened("\n".join([structured, *others]), limit)


def _is_told_by(result: types.CallToolResult, texts: list[str]) -> bool:
    """Whether the structured content says all that the text parts say."""
    if not texts:
        return not any(
            isinstance(part, types.EmbeddedResource | types.ResourceLink) for part in result.content
        )
    if result.isError:
        return False
    values = list((result.structuredContent or {}).values())
    same = [result.structuredContent, *(values if len(values) == 1 else [])]
    whole = [_parsed(text) for text in texts]
    if len(whole) == 1 and whole[0] in same:
        return True
    # FastMCP wraps what is no object in {"result": …}, and sends a part for each item of a list
    return len(values) == 1 and values[0] in ("\n".join(texts), whole, texts)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _without_binary(value: Any, depth: int = 0) -> Any:
    """Return a value whose base64 strings have become a note: a model cannot read them."""
    if isinstance(value, str) and _BASE64.fullmatch(value.replace("\n", "").replace("\r", "")):
        return f"[binary data of {len(value)} characters, left out]"
    if depth > _MAX_DEPTH:
        return "[nested too deeply, left out]" if isinstance(value, dict | list) else value
    if isinstance(value, dict):
        return {key: _without_binary(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_binary(item, depth + 1) for item in value]
    return value


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    head, tail = limit * 3 // 4, limit - limit * 3 // 4
    note = f"\n[… {len(text) - limit} of {len(text)} characters left out …]\n"
    return text[:head] + note + (text[-tail:] if tail else "")


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode("".join(data.split()), validate=True) or None
    except (binascii.Error, ValueError):
        return None


def _part_text(part: types.ContentBlock) -> str:
    match part:
        case types.TextContent():
            return part.text
        case types.ImageContent() | types.AudioContent():
            shown = "shown to the person" if _decoded(part.data) else "which cannot be read"
            return f"[{part.type} of type {part.mimeType}, {shown}]"
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            return f"[resource {resource.uri}]\n{resource.text}"
        case types.EmbeddedResource():
            return f"[binary resource {part.resource.uri}]"
        case types.ResourceLink():
            return f"[link to {part.uri}: {part.name}]"
