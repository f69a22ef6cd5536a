"""What a tool returned: as text for a model, and in full for a program or a person."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from mcp import types

from mcpsecurity.client.parts import decoded, part_text
from mcpsecurity.runtime.exact_decimals import dumps, loads

Shown = Callable[[types.CallToolResult], Sequence[types.ContentBlock]]
"""Tells which parts of a result the person sees, besides the model's text."""

_BASE64 = re.compile(r"(?:data:[^,]{0,200},)?[A-Za-z0-9+/_-]{400,}={0,2}\s*")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/_-]{400}")
_MAX_DEPTH = 50
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True)
class Image:
    """An image among a tool's results. Notebooks show it."""

    data: bytes = field(repr=False)
    mime_type: str

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002 - IPython's signature
        if self.mime_type not in _PICTURES:
            return {"text/plain": repr(self)}  # an SVG from a server could carry scripts
        return {"text/plain": repr(self), self.mime_type: base64.b64encode(self.data).decode()}


class ToolText(str):
    """A tool's result as a model reads it; `result` has all that the server sent."""

    __slots__ = ("result",)

    result: types.CallToolResult

    @classmethod
    def of(
        cls, result: types.CallToolResult, shown: Sequence[types.ContentBlock] = (), note: str = ""
    ) -> Self:
        """Return the text of a result, after `note`; `shown` are the parts that the person sees."""
        text = cls(note + result_text(result, shown=shown))
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
        read = [(decoded(part.data), part.mimeType) for part in parts]
        return [Image(data, mime_type) for data, mime_type in read if data is not None]


def pictures(result: types.CallToolResult) -> list[types.ContentBlock]:
    """Return the parts of a result that a notebook shows: images of the usual types."""
    return [
        part
        for part in result.content
        if isinstance(part, types.ImageContent) and part.mimeType in _PICTURES and decoded(part.data)
    ]


def result_text(
    result: types.CallToolResult, limit: int = 100_000, shown: Sequence[types.ContentBlock] = ()
) -> str:
    """Return what a model reads of a result: its parts as text. `shown` are the parts that the person sees.

    The structured content is read in place of parts that say nothing, or only repeat it as JSON; not where it
    is one text and no more, which is read as it is. Of more than `limit` characters the beginning and the end
    remain, with a note between them.
    """
    text = _whole_text(result, shown)
    if result.isError and not text.strip():
        return "[The tool failed and gave no reason.]"
    return _shortened(text, limit)


def _whole_text(result: types.CallToolResult, shown: Sequence[types.ContentBlock]) -> str:
    def told(part: types.ContentBlock) -> str:
        text = _readable(part_text(part, shown=any(part is other for other in shown)))
        if isinstance(part, types.EmbeddedResource):
            return f"[resource {part.resource.uri}]\n{text}"
        return text

    texts = [
        part.text for part in result.content if isinstance(part, types.TextContent) and part.text.strip()
    ]
    if result.structuredContent is None or not _is_told_by(result, texts):
        return "\n".join(told(part) for part in result.content)
    readable = _without_binary(result.structuredContent)
    is_one_text = bool(texts) and readable == {"result": "\n".join(texts)}
    structured = readable["result"] if is_one_text else dumps(readable, ensure_ascii=False)
    others = [told(part) for part in result.content if not isinstance(part, types.TextContent)]
    return "\n".join([structured, *others])


def _readable(text: str) -> str:
    """Return text as it is, or, of JSON that holds base64, JSON with notes in its place."""
    if text[:1] not in ("{", "[") or _LONG_RUN.search(text) is None:
        return text
    value = _parsed(text)
    return text if value is text else dumps(_without_binary(value), ensure_ascii=False)


def _is_told_by(result: types.CallToolResult, texts: list[str]) -> bool:
    """Whether the structured content says all that the text parts say."""
    if not texts:
        return not any(
            isinstance(part, types.EmbeddedResource)
            and isinstance(part.resource, types.TextResourceContents)
            and part.resource.text.strip()
            for part in result.content
        )
    if result.isError:
        return False
    values = list((result.structuredContent or {}).values())
    same = [result.structuredContent, *(values if len(values) == 1 else [])]
    whole = [_parsed(text) for text in texts]
    if len(whole) == 1 and whole[0] in same:
        return True
    # FastMCP wraps other values than objects in {"result": …}, and sends a part for each item of a list
    return len(values) == 1 and values[0] in ("\n".join(texts), whole, texts)


def _parsed(text: str) -> Any:
    try:
        return loads(text)
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
