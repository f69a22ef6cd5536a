"""Azure OpenAI's rules for the JSON schemas of functions, checked before the model is asked."""

import re
from collections.abc import Iterator
from typing import Any

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})

_KINDS: tuple[tuple[frozenset[str], Any, str], ...] = (
    (frozenset({"title", "description", "format", "pattern"}), str, "'string'"),
    (
        frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
        int | float,
        "'number'",
    ),
    (frozenset({"minLength", "maxLength", "minItems", "maxItems"}), int, "'integer'"),
    (frozenset({"uniqueItems"}), bool, "'boolean'"),
)

Path = tuple[str, ...]


def schema_problem(schema: Any) -> str | None:
    """Return Azure's error message for a function's parameters; None if they are valid."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        found = schema.get("type") if isinstance(schema, dict) else schema
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{found}\"'."
    if "properties" not in schema:
        return "In context=(), object schema missing properties."
    return next(_problems(schema, schema, ()), None)


def _problems(schema: Any, root: dict[str, Any], path: Path) -> Iterator[str]:
    """Yield every problem of a schema, from the outside to the inside."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield _not(path, schema, "'object', 'boolean'")
        return
    yield from _wrong_types(schema, path)
    yield from _wrong_keywords(schema, path)
    yield from _wrong_reference(schema, root, path)
    for inner, where in _inner(schema, path):
        yield from _problems(inner, root, where)


def _wrong_types(schema: dict[str, Any], path: Path) -> Iterator[str]:
    named = schema.get("type")
    types = named if isinstance(named, list) else [named]
    known = all(isinstance(name, str) and name in _TYPES for name in types) and bool(types)
    if "type" in schema and not known:
        yield f"In context={path}, {named!r} is not valid under any of the given schemas."
    if "array" in types and "items" not in schema:
        yield f"In context={path}, array schema missing items."


def _wrong_keywords(schema: dict[str, Any], path: Path) -> Iterator[str]:
    for key, kind in (("properties", dict), ("$defs", dict), ("definitions", dict), ("enum", list)):
        if key in schema and not isinstance(schema[key], kind):
            yield _not((*path, key), schema[key], "'object'" if kind is dict else "'array'")
    for keys, kinds, name in _KINDS:
        for key in keys & schema.keys():
            if not isinstance(schema[key], kinds) or (isinstance(schema[key], bool) and kinds is not bool):
                yield _not((*path, key), schema[key], name)
    patterns = schema.get("patternProperties")
    for pattern in [schema.get("pattern"), *(patterns if isinstance(patterns, dict) else ())]:
        if isinstance(pattern, str) and not _is_regex(pattern):
            yield f"{pattern!r} is not a 'regex'."
    required = schema.get("required", [])
    if not isinstance(required, list):
        yield _not((*path, "required"), required, "'array'")
        return
    yield from (_not((*path, "required"), name, "'string'") for name in required if not isinstance(name, str))


def _is_regex(pattern: str) -> bool:
    """Tell whether Python's `re` compiles a pattern, which is what Azure tries."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning):
        return False
    return True


def _wrong_reference(schema: dict[str, Any], root: dict[str, Any], path: Path) -> Iterator[str]:
    reference = schema.get("$ref", "#")
    if not isinstance(reference, str) or not reference.startswith("#"):
        yield f"In context={path}, reference can only point to definitions at the top level."
    elif not _resolves(reference, root):
        yield f"In context={path}, reference to component '{reference}' which was not found in the schema."


def _resolves(reference: str, root: Any) -> bool:
    found = root
    for part in filter(None, reference[1:].split("/")):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict) and name in found:
            found = found[name]
        else:
            return False
    return True


def _inner(schema: dict[str, Any], path: Path) -> Iterator[tuple[Any, Path]]:
    """Yield the schemas within a schema, each with its place."""
    for key in ("properties", "patternProperties", "$defs", "definitions"):
        if isinstance(schema.get(key), dict):
            yield from ((inner, (*path, key, name)) for name, inner in schema[key].items())
    for key in ("items", "additionalProperties", "not"):
        if key in schema:
            yield schema[key], (*path, key)
    for key in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(key, ())
        if key in schema and not (isinstance(branches, list) and branches):
            yield branches, (*path, key)
        else:
            yield from ((inner, (*path, key, str(place))) for place, inner in enumerate(branches))


def _not(path: Path, value: Any, types: str) -> str:
    return f"In context={path}, {value!r:.200} is not of type {types}."
