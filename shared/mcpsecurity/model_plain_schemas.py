"""Schemas of tools in the few keywords that every endpoint reads.

Gemini refuses `additionalProperties`, `const` and lists of types; llama.cpp refuses patterns without anchors
and bounds that make a large grammar; vLLM refuses what its grammars cannot express. Each refuses all tools
for one schema. The tool's server checks the arguments; the parts left out here only inform the model.
"""

from collections.abc import Mapping
from typing import Any

_MAX_DEPTH = 12
_CHOICES = ("anyOf", "oneOf", "allOf")
_MOST_SAID = 20

_Json = dict[str, Any]


def plain_tool(tool: Mapping[str, Any]) -> _Json:
    """Return a tool of Chat Completions or of Responses with a plain schema."""
    if isinstance(function := tool.get("function"), Mapping):
        return {**tool, "function": plain_tool(function)}
    if not isinstance(tool.get("parameters"), Mapping):
        return dict(tool)
    plain = plain_schema(tool["parameters"])
    return {**tool, "parameters": {**plain, "type": "object", "properties": plain.get("properties", {})}}


def plain_schema(schema: object, depth: int = 0) -> _Json:
    """Return `type`, `description`, `enum` of texts, `items`, `properties` and `required` of a schema, and of
    several choices the first."""
    here = _chosen(schema) if isinstance(schema, Mapping) else {}
    kind = _type_of(here)
    plain: _Json = {"type": kind}
    if described := _described(here, kind):
        plain["description"] = described
    if kind == "string" and (texts := _texts(here)):
        plain["enum"] = texts
    if kind == "array":
        plain["items"] = (
            plain_schema(here.get("items"), depth + 1) if depth < _MAX_DEPTH else {"type": "string"}
        )
    properties = here.get("properties")
    if kind == "object" and isinstance(properties, Mapping) and properties and depth < _MAX_DEPTH:
        plain["properties"] = {name: plain_schema(each, depth + 1) for name, each in properties.items()}
        required = here.get("required")
        if needed := [name for name in required or () if name in properties]:
            plain["required"] = needed
    return plain


def _chosen(schema: Mapping[str, Any]) -> _Json:
    """Return a schema with its first choice put in place."""
    here = dict(schema)
    for _ in range(_MAX_DEPTH):
        key = next((key for key in _CHOICES if isinstance(here.get(key), list)), None)
        if key is None:
            break
        choices = [each for each in here.pop(key) if isinstance(each, Mapping) and each.get("type") != "null"]
        for choice in choices if key == "allOf" else choices[:1]:
            here = {**choice, **here}
    return here


def _type_of(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), None)
    if isinstance(kind, str) and kind != "null":
        return kind
    return "object" if "properties" in schema else "array" if "items" in schema else "string"


def _values(schema: Mapping[str, Any]) -> list[Any]:
    found = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return [value for value in found if value is not None] if isinstance(found, list) else []


def _texts(schema: Mapping[str, Any]) -> list[str]:
    values = _values(schema)
    return [value for value in values if value] if all(isinstance(value, str) for value in values) else []


def _described(schema: Mapping[str, Any], kind: str) -> str:
    """Return the description; it says which values there are, where `enum` cannot."""
    described = schema.get("description")
    parts = [described] if isinstance(described, str) and described else []
    if (values := _values(schema)) and not (kind == "string" and _texts(schema)):
        parts.append(f"One of: {', '.join(map(str, values[:_MOST_SAID]))}.")
    return " ".join(parts)
