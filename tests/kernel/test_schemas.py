"""Any schema becomes one that a model's API takes."""

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpsecurity.kernel.schemas import model_schema

TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
NODE = {"type": "object", "properties": {"value": {"type": "string"}, "left": {"$ref": "#/$defs/Node"}}}


def problems(schema: Any) -> list[str]:
    """Return what Azure OpenAI would refuse in a schema below the root."""
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, dict):
        return [f"{schema!r} is no schema"]
    kind = schema.get("type", [])
    kinds = kind if isinstance(kind, list) else [kind]
    found = [f"type {kind!r}" for kind in kinds if not isinstance(kind, str) or kind not in TYPES]
    found += ["no items"] if "array" in kinds and "items" not in schema else []
    found += ["a reference"] if "$ref" in schema else []
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        found.append("required")
    found += [] if isinstance(schema.get("enum", []), list) else ["enum"]
    found += [key for key in ("description", "title") if not isinstance(schema.get(key, ""), str)]
    found += ["type null"] if schema.get("type", "") is None else []
    return found + [problem for part in parts(schema, found) for problem in problems(part)]


def parts(schema: dict[str, Any], found: list[str]) -> list[Any]:
    """Return the schemas in a schema."""
    inside = [schema[key] for key in ("items", "additionalProperties", "not") if key in schema]
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        return [*inside, None]
    for key in ("anyOf", "oneOf", "allOf"):
        if key not in schema:
            continue
        choices = schema[key]
        found += [] if isinstance(choices, list) and choices else [key]
        inside += choices if isinstance(choices, list) else []
    return [*inside, *properties.values()]


def written(part: Any, **more: Any) -> Any:
    """Return what becomes of a property."""
    schema = model_schema({"type": "object", "properties": {"a": part}, **more})
    assert problems(schema) == []
    return schema["properties"]["a"]


WORDS = "type properties items prefixItems required enum anyOf oneOf allOf not a b $ref $defs definitions "
WORDS += "description default additionalProperties patternProperties minimum multipleOf"
KEYWORDS = st.sampled_from(WORDS.split())
VALUES = st.sampled_from(
    ["#", "#/$defs/a", "#/properties/a", "#/definitions/b", "object", "array", "int", "string"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYWORDS, inner, max_size=6),
    max_leaves=40,
)


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_anything_becomes_a_schema_that_is_taken(value: Any) -> None:
    schema = model_schema(value)
    assert problems(schema) == []
    assert schema["type"] == "object"
    assert isinstance(schema["properties"], dict)
    json.dumps(schema, allow_nan=False)


@pytest.mark.parametrize(
    "reference",
    [
        "#/$defs/O/properties/id",
        "#/definitions/O",
        "#/$defs/a~1b~0c",
        "#/$defs/a%20b",
        "#/x/0",
        "#/properties/b",
    ],
)
def test_a_reference_inside_the_document_is_put_in_place(reference: str) -> None:
    number = {"type": "integer"}
    schema = {
        "properties": {"a": {"$ref": reference}, "b": number},
        "$defs": {"O": {"properties": {"id": number}}, "a/b~c": number, "a b": number},
        "definitions": {"O": number},
        "x": [number],
    }
    assert model_schema(schema)["properties"]["a"] == number


@pytest.mark.parametrize(
    "reference", ["#/$defs/None", "https://example.com/s.json", "other.json", 3, None, "#anchor"]
)
def test_any_other_reference_allows_anything(reference: object) -> None:
    assert written({"$ref": reference}) == {}


def test_a_cycle_ends_where_it_returns() -> None:
    part = written({"$ref": "#/$defs/Node"}, **{"$defs": {"Node": NODE}})
    assert part["properties"] == {"value": {"type": "string"}, "left": {"type": "object"}}
    assert written({"$ref": "#"}) == {"type": "object"}
    assert written({"$ref": "#/$defs/A"}, **{"$defs": {"A": {"$ref": "#/$defs/A"}}}) == {"type": "object"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": ["array", "null"]}, {"type": ["array", "null"], "items": {}}),
        ({"type": "array", "items": [{"type": "null"}]}, {"type": "array", "items": {"type": "null"}}),
        (
            {"type": "array", "prefixItems": [{"type": "null"}, {"type": "string"}]},
            {"type": "array", "items": {"anyOf": [{"type": "null"}, {"type": "string"}]}},
        ),
        ({"type": "int"}, {}),
        ({"type": {}}, {}),
        ({"type": "string", "description": None, "enum": None, "format": None}, {"type": "string"}),
        ({"required": None}, {}),
        ({"required": ["a", 3]}, {"required": ["a"]}),
        ({"properties": None}, {}),
        ({"anyOf": []}, {}),
        ({"enum": "abc"}, {}),
        (True, {}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},) * 2,
        ({"type": "integer", "minimum": 0, "exclusiveMaximum": 5},) * 2,
        ({"pattern": "^(?!a)[b-d]{1,3}$"},) * 2,
        ({"type": "string", "pattern": r"^\p{L}+$"}, {"type": "string"}),
        ({"pattern": "(?<year>[0-9]{4})"}, {}),
        ({"pattern": "["}, {}),
        ({"patternProperties": {r"\u{1F600}": {}, "^x-": {}}}, {"patternProperties": {"^x-": {}}}),
    ],
)
def test_valid_parts_stay_and_the_rest_is_mended(part: object, expected: object) -> None:
    assert written(part) == expected


def test_choices_at_the_root_become_properties() -> None:
    one, other = {"properties": {"id": {"type": "string"}}}, {"properties": {"email": {"type": "string"}}}
    for key in ("anyOf", "oneOf", "allOf"):
        schema = model_schema({key: [{**one, "required": ["id"]}, other]})
        assert schema["properties"] == {"id": {"type": "string"}, "email": {"type": "string"}}
        assert schema.get("required") == (["id"] if key == "allOf" else None)
    assert model_schema({"$ref": "#/$defs/R", "$defs": {"R": one}})["properties"] == one["properties"]


@pytest.mark.parametrize(
    "schema",
    [
        {
            "properties": {"a": {"$ref": "#/$defs/0"}},
            "$defs": {
                str(i): {"properties": {f"p{k}": {"$ref": f"#/$defs/{k}"} for k in range(12)}}
                for i in range(12)
            },
        },
        {"properties": {f"p{i}": {"$ref": "#/x"} for i in range(9000)}, "x": {"enum": ["y" * 100_000]}},
        {"properties": {"a": {"description": "z" * 10_000_000}}},
    ],
)
def test_a_bomb_costs_little(schema: dict[str, Any]) -> None:
    began = time.process_time()
    made = model_schema(schema)
    assert time.process_time() - began < 0.5
    assert problems(made) == []
    assert len(json.dumps(made)) < 600_000


def test_depth_is_bounded() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(2000):
        deep = {"type": "object", "properties": {"a": deep}}
    assert problems(model_schema(deep)) == []
    assert len(json.dumps(model_schema(deep))) < 2000
