"""A tool's input schema as a model's API takes it: valid, without references, and bounded in size.

`mcpsecurity.model_plain_schemas` takes more away for endpoints that refuse such a schema.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

_MAX_NODES = 5_000
_MAX_DEPTH = 24
_MAX_CHARACTERS = 200_000
_MAX_TEXT = 2_000
_MAX_HOPS = 50

_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_TEXTS = frozenset({"title", "description", "format", "pattern"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"})
_FLAGS = frozenset({"uniqueItems", "deprecated", "readOnly", "writeOnly"})
_SCHEMAS = frozenset(
    {"items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else"}
)
_CHOICES = frozenset({"anyOf", "oneOf", "allOf"})
_MAPS = frozenset({"properties", "patternProperties"})

_Json = dict[str, Any]


def model_schema(schema: object) -> dict[str, Any]:
    """Return the schema of an object that means the same as `schema`, with parts that a model's API takes.

    References inside the document are put in place, and one that leads back to where it stands becomes a
    plain type. Keywords that are not JSON Schema are dropped. Parts beyond a limit (5,000
    schemas, 24 levels, 200,000 characters) become `{}`, which allows anything. Choices at the root become
    optional properties: the API takes no choices there, and Semantic Kernel sends none.
    """
    root = _flat(_Writer(schema).schema(schema, 0, frozenset()))
    return {**root, "type": "object", "properties": root.get("properties", {})}


class _Writer:
    """Writes one schema; counts the nodes and characters that may still be written."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._nodes = _MAX_NODES
        self._characters = _MAX_CHARACTERS

    def schema(self, value: object, depth: int, above: frozenset[int]) -> _Json:
        """Write a schema; `above` are the targets of the references that led here."""
        self._nodes -= 1
        if value is False:
            return {"not": {}}
        if self._nodes < 0 or depth > _MAX_DEPTH or not isinstance(value, Mapping):
            return {}
        if depth == 0:
            above = above | {id(value)}
        here, above, cut = self._resolved(value, above)
        if cut:
            kind = _types(here.get("type"))
            return {"type": kind} if isinstance(kind, str) and kind != "array" else {"type": "object"}
        return self._completed(here, self._keywords(here, depth, above), depth, above)

    def _resolved(
        self, value: Mapping[str, Any], above: frozenset[int]
    ) -> tuple[_Json, frozenset[int], bool]:
        """Follow references; the third result says that one led back."""
        here = dict(value)
        for _ in range(_MAX_HOPS):
            if "$ref" not in here:
                return here, above, False
            target = self._target(here.pop("$ref"))
            here = {**target, **here} if isinstance(target, Mapping) else here
            if isinstance(target, Mapping):
                if id(target) in above:
                    return here, above, True
                above = above | {id(target)}
        return {}, above, False

    def _target(self, reference: object) -> object:
        """Return what a JSON pointer (RFC 6901) points to in this document; None if nothing."""
        if not isinstance(reference, str) or len(reference) > _MAX_TEXT:
            return None
        pointer = unquote(reference)
        if pointer in ("#", "#/"):
            return self._root
        here: object = self._root if pointer.startswith("#/") else None
        for part in pointer[2:].split("/"):
            here = _member(here, part.replace("~1", "/").replace("~0", "~"))
        return here

    def _keywords(self, here: _Json, depth: int, above: frozenset[int]) -> _Json:
        written: _Json = {}
        for key, value in here.items():
            found = self._plain(key, value)
            if found is None:
                found = self._nested(key, value, depth + 1, above)
            if found is not None:
                written[key] = found
        for key in ("default", "const"):
            if key in here and self._afford(here[key]):
                written[key] = here[key]
        return written

    def _plain(self, key: str, value: object) -> object:
        """Return a keyword's value that holds no schema; None for one that is not valid."""
        if key == "type":
            return _types(value)
        if key in _TEXTS:
            return self._text(value) if key != "pattern" or _is_regex(value) else None
        if key == "required" and isinstance(value, list):
            names = [name for name in value[:_MAX_TEXT] if isinstance(name, str)]
            return list(dict.fromkeys(names)) if self._afford(names) else None
        if key in ("enum", "examples"):
            return value if isinstance(value, list) and value and self._afford(value) else None
        return value if _is_number(key, value) or (key in _FLAGS and isinstance(value, bool)) else None

    def _nested(self, key: str, value: object, depth: int, above: frozenset[int]) -> object:
        """Return a keyword's value that holds schemas; None for one that is not valid."""
        if key in _SCHEMAS:
            if isinstance(value, bool):
                return value
            return self.schema(value, depth, above) if isinstance(value, Mapping) else None
        if key in _CHOICES and isinstance(value, list):
            return self._list(value, depth, above) or None
        if key in _MAPS and isinstance(value, Mapping):
            return {
                str(name): self.schema(item, depth, above)
                for name, item in value.items()
                if item is not None and self._afford(name) and (key == "properties" or _is_regex(name))
            }
        return None

    def _list(self, values: Sequence[object], depth: int, above: frozenset[int]) -> list[_Json]:
        schemas = (value for value in values if isinstance(value, Mapping | bool))
        return [self.schema(value, depth, above) for value in schemas if self._nodes > 0]

    def _completed(self, here: _Json, written: _Json, depth: int, above: frozenset[int]) -> _Json:
        """Give an array its items: one schema for all positions."""
        lists = [part for key in ("prefixItems", "items") if isinstance(part := here.get(key), list)]
        each = [part for parts in lists for part in parts]
        if each:
            kinds = self._list(each, depth + 1, above)
            kinds += [rest] if isinstance(rest := written.get("items"), dict) else []
            written["items"] = {"anyOf": kinds} if len(kinds) > 1 else (kinds or [{}])[0]
        if "array" in (kind if isinstance(kind := written.get("type"), list) else [kind]):
            written.setdefault("items", {})
        return written

    def _text(self, value: object) -> str | None:
        if not isinstance(value, str):
            return None
        text = value if len(value) <= _MAX_TEXT else value[: _MAX_TEXT - 1] + "…"
        return text if self._afford(text) else None

    def _afford(self, value: object) -> bool:
        """Charge a value to the limit; tell whether it can be written and is within the limit."""
        if self._characters <= 0:
            return False
        try:
            self._characters -= len(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError):
            return False
        return self._characters > 0


def _types(value: object) -> str | list[str] | None:
    if isinstance(value, str):
        return value if value in _TYPES else None
    if not isinstance(value, list):
        return None
    return [kind for kind in _TYPES if kind in value[:20]] or None


def _is_regex(value: object) -> bool:
    """Tell whether a model's API takes a pattern: it tries Python's `re`. Many are written for JavaScript."""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        return False
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError, Warning):
        return False
    return True


def _is_number(key: str, value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if key in _COUNTS:
        return isinstance(value, int) and value >= 0
    return key in _NUMBERS and abs(value) < float("inf") and (key != "multipleOf" or value > 0)


def _member(here: object, part: str) -> object:
    if isinstance(here, Mapping):
        return here.get(part)
    if (
        isinstance(here, list)
        and part.isascii()
        and part.isdecimal()
        and len(part) < 6
        and int(part) < len(here)
    ):
        return here[int(part)]
    return None


def _flat(schema: _Json) -> _Json:
    """Return a schema whose `allOf`, `anyOf` and `oneOf` are merged into its properties."""
    root = {key: value for key, value in schema.items() if key not in (*_CHOICES, "not", "enum", "const")}
    for key in ("allOf", "anyOf", "oneOf"):
        branches = [_flat(branch) for branch in schema.get(key, ())]
        if not branches:
            continue
        for branch in branches:
            _add_properties(root, branch)
        needed = [branch.get("required", []) for branch in branches]
        shared = [
            n for names in needed for n in names if key == "allOf" or all(n in other for other in needed)
        ]
        if shared:
            root["required"] = list(dict.fromkeys([*root.get("required", []), *shared]))
    return root


def _add_properties(root: _Json, branch: _Json) -> None:
    properties = dict(root.get("properties", {}))
    for name, schema in branch.get("properties", {}).items():
        known = properties.get(name)
        properties[name] = schema if known in (None, {}, schema) else {"anyOf": [known, schema]}
    root["properties"] = properties
    for key in ("additionalProperties", "patternProperties"):
        if branch.get(key):
            root.setdefault(key, branch[key])
