"""A field's schema by its meaning: references followed, "or null" taken away, choices as an enum."""

from collections.abc import Mapping
from typing import Any

_MAX_STEPS = 5000
_MAX_DEPTH = 16
_NOTHING: dict[str, Any] = {"not": {}}
"""A schema that no value fits: zod-to-json-schema writes it beside that of an optional field."""
_NOTES = ("title", "description", "default")
_UNREADABLE = (
    *("not", "if", "dependentSchemas", "dependentRequired", "$dynamicRef", "$recursiveRef"),
    *("contains", "prefixItems", "unevaluatedItems", "additionalItems"),
)


class SchemaError(ValueError):
    """The schema cannot be shown as a form."""


class Reader:
    """Reads the fields of one form; the work for all of them together is bounded."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._steps = 0

    def plain(self, schema: Any, depth: int = 0) -> dict[str, Any]:
        """Return the same schema without references, unions and null.

        Raises:
            SchemaError: it is not a schema, refers to itself, or has no such simple form.
        """
        self._steps += 1
        if depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
            raise SchemaError("references too deep, or to themselves")
        if not isinstance(schema, Mapping) or any(key in schema for key in _UNREADABLE):
            raise SchemaError("not a schema that a form can show")
        rest = dict(schema)
        if "$ref" in rest:
            return self.plain(_merged(self._target(rest.pop("$ref")), rest), depth + 1)
        if "allOf" in rest:
            return self.plain(_merged(_only(rest.pop("allOf")), rest), depth + 1)
        for key in ("anyOf", "oneOf"):
            if key in rest:
                return self.plain(
                    _merged(self._union(rest.pop(key), depth, exclusive=key == "oneOf"), rest), depth + 1
                )
        return _typed(rest)

    def _union(self, branches: Any, depth: int, *, exclusive: bool) -> dict[str, Any]:
        """Return the one branch that a form can show, or all as an enum. Of `exclusive` ones a value may fit
        one only."""
        if not isinstance(branches, list) or not all(isinstance(b, Mapping) for b in branches):
            raise SchemaError("alternatives that are no schemas")
        some = [b for b in branches if b != _NOTHING]
        left = [dict(b) for b in some if b.get("type") != "null" or b.keys() - {"type", *_NOTES}]
        if left and all("const" in b for b in left):
            if not all(_is_choice(b) for b in left):
                raise SchemaError("choices with further rules")
            values = [b["const"] for b in left]
            if exclusive and len({repr(value) for value in values}) != len(values):
                raise SchemaError("the same choice twice")
            return {"enum": values, "enumNames": [b.get("title", b["const"]) for b in left]}
        if len(left) == 1:
            return left[0]
        if exclusive and not _have_types_of_their_own(left):
            raise SchemaError("alternatives that overlap")
        texts = [b for b in (self.plain(b, depth + 1) for b in left) if b.get("type") == "string"]
        if len(texts) != 1:
            raise SchemaError("alternatives of several kinds")
        return texts[0]

    def _target(self, reference: Any) -> Any:
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise SchemaError("a reference to elsewhere")
        node: Any = self._root
        for step in reference[2:].split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, Mapping) or name not in node:
                raise SchemaError("a reference to nothing")
            node = node[name]
        return node


def _is_choice(branch: Mapping[str, Any]) -> bool:
    """Tell whether a branch names one value, and nothing that could contradict it."""
    if branch.keys() - {"const", "type", *_NOTES}:
        return False
    kind = branch.get("type")
    return "type" not in branch or any(_fits(branch["const"], one) for one in _names(kind))


def _have_types_of_their_own(branches: list[dict[str, Any]]) -> bool:
    kinds = [branch.get("type") for branch in branches]
    return all(isinstance(kind, str) for kind in kinds) and len({*map(str, kinds)}) == len(kinds)


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(value, bool):
        return bool(kind == "boolean")
    if isinstance(value, str):
        return bool(kind == "string")
    if isinstance(value, int):
        return bool(kind in ("integer", "number"))
    return isinstance(value, float) and bool(kind == "number")


def _only(schemas: Any) -> Any:
    if not isinstance(schemas, list) or len(schemas) != 1:
        raise SchemaError("allOf with more than one schema")
    return schemas[0]


def _merged(inner: Any, outer: dict[str, Any]) -> dict[str, Any]:
    """Return both together; the outer title and default win, rules must not contradict."""
    if not isinstance(inner, Mapping):
        raise SchemaError("not a schema")
    for key in inner.keys() & outer.keys():
        if key not in _NOTES and (key == "type" or inner[key] != outer[key]):
            if key == "type" and inner[key] in _names(outer[key]):
                continue
            raise SchemaError(f"two rules for {key}")
    return {**outer, **inner, **{key: outer[key] for key in _NOTES if key in outer}}


def _names(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind]


def _typed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with one type at most."""
    kinds = [kind for kind in _names(schema.get("type")) if kind not in (None, "null")]
    if "string" in kinds:
        kinds = ["string"]
    elif set(map(str, kinds)) == {"integer", "number"}:
        kinds = ["number"]
    if "type" in schema and not kinds:
        raise SchemaError("fields of type null cannot be asked for")
    if len(kinds) > 1:
        raise SchemaError("fields of several types cannot be asked for")
    rest = {key: value for key, value in schema.items() if key != "type"}
    return {**rest, "type": kinds[0]} if kinds else rest
