"""Plain schemas say what a model has to know, in the keywords that every endpoint reads."""

from typing import Any

import pytest

from mcpsecurity.model_plain_schemas import plain_schema, plain_tool


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        ({"type": "string", "format": "uri", "maxLength": 5000}, {"type": "string"}),
        ({"type": ["null", "integer"], "minimum": 1}, {"type": "integer"}),
        ({"enum": ["a", "", "b", None]}, {"type": "string", "enum": ["a", "b"]}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        (
            {"type": "integer", "enum": [1, 2], "description": "Size."},
            {"type": "integer", "description": "Size. One of: 1, 2."},
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": "number"}, {"type": "string"}], "description": "Or none."},
            {"type": "number", "description": "Or none."},
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}}, {"required": ["a", "b"]}]},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        ),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        ({"items": {"oneOf": [{"type": "boolean"}]}}, {"type": "array", "items": {"type": "boolean"}}),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"type": "object"}),
        (True, {"type": "string"}),
        ({}, {"type": "string"}),
    ],
)
def test_keywords_that_some_refuse_are_left_out(schema: Any, plain: dict[str, Any]) -> None:
    assert plain_schema(schema) == plain
    assert plain_schema(plain) == plain


def test_what_nests_without_end_ends() -> None:
    nested: dict[str, Any] = {"type": "array"}
    nested["items"] = nested
    assert str(plain_schema(nested)).count("array") < 20


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_tool_keeps_its_name_and_has_an_object_with_properties(wrapped: bool) -> None:
    tool = {"name": "t", "parameters": {"$schema": "x", "type": "object"}}
    plain = {"name": "t", "parameters": {"type": "object", "properties": {}}}
    given = {"type": "function", "function": tool} if wrapped else tool
    assert plain_tool(given) == ({"type": "function", "function": plain} if wrapped else plain)
    assert plain_tool({"type": "custom"}) == {"type": "custom"}
