"""What a tool returned: as text for a model, and in full for a program or a person."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any, Self

from mcp import types

__all__ = ["Image", "ToolText", "result_text"]


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
        """The images in the result."""
        parts = [part for part in self.result.content if isinstance(part, types.ImageContent)]
        return [Image(base64.b64decode(part.data), part.mimeType) for part in parts]


def result_text(result: types.CallToolResult) -> str:
    """Return what a model reads of a result: structured content as JSON, otherwise its parts as text."""
    if result.structuredContent is not None:
        return json.dumps(result.structuredContent, ensure_ascii=False)
    return "\n".join(_part_text(part) for part in result.content)


def _part_text(part: types.ContentBlock) -> str:
    match part:
        case types.TextContent():
            return part.text
        case types.ImageContent() | types.AudioContent():
            return f"[{part.type} of type {part.mimeType}, shown to the person]"
        case types.EmbeddedResource(resource=types.TextResourceContents() as resource):
            return f"[resource {resource.uri}]\n{resource.text}"
        case types.EmbeddedResource():
            return f"[binary resource {part.resource.uri}]"
        case types.ResourceLink():
            return f"[link to {part.uri}: {part.name}]"
