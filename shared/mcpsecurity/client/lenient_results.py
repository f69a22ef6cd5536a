"""Results of MCP servers, parsed part by part: a part that is not valid does not affect the others.

The SDK's models refuse a whole list of tools for one entry, and a whole result for one relative URI.
"""

import json
import logging
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from mcp import types
from pydantic import AnyUrl, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from mcpsecurity.runtime.exact_decimals import dumps, unpacked

_log = logging.getLogger(__name__)
_DESCRIBING = ("annotations", "_meta", "title", "description", "icons", "size")
_OF_A_RESULT = frozenset({"content", "structuredContent", "isError", "_meta", "resultType"})
_NO = ("", "0", "false", "no", "none", "null")
_SOME_URI = "resource:"
_BLOCK: TypeAdapter[types.ContentBlock] = TypeAdapter(types.ContentBlock)


class Greeting(types.InitializeResult):
    """The result of `initialize`, without the parts that are not valid."""

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        offers, said, name = value.get("capabilities"), value.get("serverInfo"), None
        offers = offers if isinstance(offers, dict) else {}
        known = {key: _offer(key, offer) for key, offer in offers.items() if offer not in (None, False)}
        with suppress(ValidationError):
            name = types.Implementation.model_validate(said)
        plain = said if isinstance(said, dict) else {}
        return {
            "protocolVersion": value.get("protocolVersion"),
            "capabilities": known,
            "serverInfo": name or {key: str(plain.get(key) or "unknown") for key in ("name", "version")},
            "instructions": text if isinstance(text := value.get("instructions"), str) else None,
        }


class ReadableResult(types.CallToolResult):
    """A tool's result whose unreadable parts became text that says what they were."""

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        structured = unpacked(value.get("structuredContent"))
        read = [_block(block) for block in _listed(value.get("content"))]
        if "task" in value and not read and structured is None:
            read = [_text("[The server goes on with this as a task, whose result cannot be had here.]")]
        if structured is not None and not isinstance(structured, dict):
            read = read or [_text(dumps(structured, ensure_ascii=False))]
            structured = None
        if value.get("content") is None and structured is None and not read:
            others = {
                key: item for key, item in value.items() if key not in _OF_A_RESULT and item is not None
            }
            read = [_text(dumps(others, ensure_ascii=False))] if others else []
        repaired = {**value, "content": read, "structuredContent": structured}
        if not isinstance(failed := value.get("isError", False), bool):
            repaired["isError"] = str(failed).strip().lower() not in _NO
        if not isinstance(value.get("_meta"), dict):
            repaired.pop("_meta", None)
        return repaired


class ReadablePrompt(types.GetPromptResult):
    """A prompt whose unreadable parts became text that says what they were; each message has one part."""

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        messages = [message for message in _listed(value.get("messages")) if isinstance(message, dict)]
        read = [
            {"role": "assistant" if message.get("role") == "assistant" else "user", "content": _block(block)}
            for message in messages
            for block in _listed(message.get("content"))
        ]
        return {"messages": read}


class ReadableContents(types.ReadResourceResult):
    """The contents of a resource; what cannot be read became text that says so."""

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {"contents": [_contents(item) for item in _listed(value.get("contents"))]}


class ResourceUri(AnyUrl):
    """The URI of a resource as its server wrote it.

    Pydantic's `AnyUrl` refuses `config://App Settings` and writes `file:///My File.txt` with `%20`, by which
    the server would not know its own resource.
    """

    def __init__(self, text: str) -> None:
        super().__init__(_SOME_URI)
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AnyUrl) and str(other) == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __deepcopy__(self, memo: dict[int, Any]) -> "ResourceUri":
        return self


class ListedPage(types.PaginatedResult):
    """A page of a list; `left_out` names the entries that cannot be read.

    `request` asks for it; `listed` are the member that has the entries, and their type.
    """

    left_out: list[str] = Field(default_factory=list, exclude=True)
    request: ClassVar[Any]
    listed: ClassVar[tuple[str, type[BaseModel]]]

    @model_validator(mode="before")
    @classmethod
    def _repair(cls, value: Any) -> Any:
        return _repaired(value, *cls.listed)


P = TypeVar("P", bound=ListedPage)


class ListedTools(ListedPage, types.ListToolsResult):
    """A page of tools. The SDK's `list_tools` would keep their output schemas in memory."""

    request, listed = types.ListToolsRequest, ("tools", types.Tool)


class ListedPrompts(ListedPage, types.ListPromptsResult):
    """A page of prompts."""

    request, listed = types.ListPromptsRequest, ("prompts", types.Prompt)


class ListedResources(ListedPage, types.ListResourcesResult):
    """A page of resources."""

    request, listed = types.ListResourcesRequest, ("resources", types.Resource)


class ListedTemplates(ListedPage, types.ListResourceTemplatesResult):
    """A page of resource templates."""

    request, listed = types.ListResourceTemplatesRequest, ("resourceTemplates", types.ResourceTemplate)


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


def _offer(name: str, offer: Any) -> Any:
    """Return a capability; one that cannot be read is offered without details."""
    try:
        types.ServerCapabilities.model_validate({name: offer})
    except ValidationError:
        return {}
    return offer


def _entry(entry: Any, kind: type[BaseModel]) -> BaseModel | None:
    """Return an entry, if need be without what only describes it; None if it cannot be read."""
    if not isinstance(entry, dict):
        return None
    if isinstance(uri := entry.get("uri"), str) and uri:
        entry = {**entry, "uri": ResourceUri(uri)}
    if kind is types.Tool and entry.get("inputSchema") is None:
        entry = {**entry, "inputSchema": {"type": "object"}}  # as some servers write "no parameters"
    plain = {key: entry.get(key) for key in ("name", "inputSchema", "arguments", "uri")}
    plain |= {key: text for key in ("description", "title") if isinstance(text := entry.get(key), str)}
    for candidate in (entry, {key: value for key, value in plain.items() if value is not None}):
        try:
            return kind.model_validate(candidate)
        except ValidationError:
            continue
    return None


def _name(entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    return name[:128] if isinstance(name, str) else "(without a name)"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _block(block: Any) -> Any:
    """Return a part, without its descriptive members if these are wrong; else a text that names it."""
    candidates = [block]
    if isinstance(block, dict):
        candidates.append({key: item for key, item in block.items() if key not in _DESCRIBING})
    for candidate in candidates:
        with suppress(ValidationError):
            return _BLOCK.validate_python(candidate)
    return _text(_words(block))


def _contents(item: Any) -> Any:
    """Return an item of a resource's contents. Without a URI it has a made-up one: the caller knows it."""
    written, plain = item, dict[str, Any]()
    if isinstance(item, dict):
        uri = ResourceUri(text) if isinstance(text := item.get("uri"), str) and text else _SOME_URI
        written = {**item, "uri": uri}
        plain = {key: written[key] for key in ("uri", "mimeType", "text", "blob") if key in written}
    for candidate in (written, plain, {key: value for key, value in plain.items() if key != "mimeType"}):
        for kind in (types.TextResourceContents, types.BlobResourceContents):
            with suppress(ValidationError):
                return kind.model_validate(candidate)
    return types.TextResourceContents(uri=AnyUrl(_SOME_URI), text=_words(item))


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


def _words(block: Any) -> str:
    """Return in words what a part holds that the protocol's types do not allow."""
    if not isinstance(block, dict):
        return block if isinstance(block, str) else json.dumps(block, ensure_ascii=False)
    inner = block.get("resource")
    resource = inner if isinstance(inner, dict) else block
    uri, text = resource.get("uri"), resource.get("text")
    if text is not None:
        text = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        return f"[resource {uri}]\n{text}" if isinstance(uri, str) else text
    if isinstance(uri, str) and "blob" in resource:
        return f"[resource {uri}, which cannot be read]"
    if isinstance(uri, str):
        return f"[link to {uri}: {resource.get('name') or 'without a name'}]"
    return f"[content of type {block.get('type')!r}, which cannot be read]"
