"""Results of MCP servers, read part by part: one that cannot be read leaves the others as they are.

The SDK's models refuse a whole list of tools for one entry, and a whole result for one relative URI.
"""

import json
import logging
from typing import Any

from mcp import types
from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator

__all__ = ["ListedPrompts", "ListedResources", "ListedTools", "ReadableResult"]

_log = logging.getLogger(__name__)
_BLOCK: TypeAdapter[types.ContentBlock] = TypeAdapter(types.ContentBlock)


class ReadableResult(types.CallToolResult):
    """A tool's result whose unreadable parts became text that says what they were."""

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        content, structured = value.get("content"), value.get("structuredContent")
        blocks = content if isinstance(content, list) else [] if content is None else [content]
        read = [_block(block) for block in blocks]
        if structured is not None and not isinstance(structured, dict):
            read = read or [_text(json.dumps(structured, ensure_ascii=False))]
            structured = None
        repaired = {**value, "content": read, "structuredContent": structured}
        if not isinstance(value.get("isError", False), bool):
            repaired["isError"] = bool(value["isError"])
        if not isinstance(value.get("_meta"), dict):
            repaired.pop("_meta", None)
        return repaired


class ListedTools(types.ListToolsResult):
    """A page of tools; `left_out` names those that cannot be read."""

    left_out: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        return _repaired(value, "tools", types.Tool)


class ListedPrompts(types.ListPromptsResult):
    """A page of prompts; `left_out` names those that cannot be read."""

    left_out: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        return _repaired(value, "prompts", types.Prompt)


class ListedResources(types.ListResourcesResult):
    """A page of resources; `left_out` names those that cannot be read."""

    left_out: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        return _repaired(value, "resources", types.Resource)


def _repaired(value: Any, key: str, kind: type[BaseModel]) -> Any:
    entries = value.get(key) if isinstance(value, dict) else None
    if not isinstance(entries, list):
        return value
    readable: list[BaseModel] = []
    left_out: list[str] = []
    for entry in entries:
        if (found := _entry(entry, kind)) is not None:
            readable.append(found)
        else:
            left_out.append(_name(entry))
    if left_out:
        _log.warning("left out of %s, as they cannot be read: %d", key, len(left_out))
    cursor = value.get("nextCursor")
    return {key: readable, "left_out": left_out, "nextCursor": cursor if isinstance(cursor, str) else None}


def _entry(entry: Any, kind: type[BaseModel]) -> BaseModel | None:
    """Return an entry, if need be without what only describes it; None if it cannot be read."""
    if not isinstance(entry, dict):
        return None
    plain = {
        key: entry.get(key) for key in ("name", "description", "title", "inputSchema", "arguments", "uri")
    }
    for candidate in (entry, {key: value for key, value in plain.items() if value is not None}):
        try:
            return kind.model_validate(candidate)
        except ValidationError:
            continue
    return None


def _name(entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name[:128] if isinstance(name, str) else "(without a name)"


def _block(block: Any) -> Any:
    try:
        return _BLOCK.validate_python(block)
    except ValidationError:
        return _text(_words(block))


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _words(block: Any) -> str:
    """Return in words what a part holds that the protocol's types do not allow."""
    if not isinstance(block, dict):
        return block if isinstance(block, str) else json.dumps(block, ensure_ascii=False)
    inner = block.get("resource")
    resource = inner if isinstance(inner, dict) else block
    uri, text = resource.get("uri"), resource.get("text")
    if isinstance(text, str):
        return f"[resource {uri}]\n{text}" if isinstance(uri, str) else text
    if isinstance(uri, str):
        return f"[link to {uri}: {resource.get('name') or 'without a name'}]"
    return f"[content of type {block.get('type')!r}, which cannot be read]"
