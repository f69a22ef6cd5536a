"""Headers that repeat parts of a request (specification 2026-07-28, transports)."""

from typing import Any

import pytest

from mcpsecurity.client.request_headers import (
    InvalidToolError,
    argument_headers,
    repeated_arguments,
    request_headers,
)


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def marked(name: Any = "Value", kind: Any = "string") -> dict[str, Any]:
    return {"type": kind, "x-mcp-header": name}


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("us-west1", "us-west1"),
        ("us west 1", "us west 1"),
        ("", ""),
        ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
        (" padded ", "=?base64?IHBhZGRlZCA=?="),
        ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
        ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ("\ttab", "=?base64?CXRhYg==?="),
        (42, "42"),
        (-7.0, "-7"),
        (True, "true"),
        (False, "false"),
    ],
)
def test_a_value_is_sent_as_the_specification_has_it(value: Any, header: str) -> None:
    repeated = repeated_arguments(schema(value=marked()))
    assert argument_headers(repeated, {"value": value}) == {"Mcp-Param-Value": header}


@pytest.mark.parametrize(
    "arguments", [{}, {"value": None}, None, {"value": [1]}, {"value": 1.5}, {"value": 10**5000}]
)
def test_an_argument_that_is_missing_or_has_no_text_has_no_header(arguments: Any) -> None:
    assert argument_headers(repeated_arguments(schema(value=marked())), arguments) == {}


def test_an_argument_within_another_is_found_by_its_path() -> None:
    repeated = repeated_arguments(schema(outer=schema(inner=marked("Inner", "integer"))))
    assert argument_headers(repeated, {"outer": {"inner": 5}}) == {"Mcp-Param-Inner": "5"}
    assert argument_headers(repeated, {"outer": "x", "inner": 5}) == {}


@pytest.mark.parametrize(
    "bad",
    [
        schema(a=marked("")),
        schema(a=marked("My Header")),
        schema(a=marked("A:B")),
        schema(a=marked("Größe")),
        schema(a=marked("A\nB")),
        schema(a=marked(5)),
        schema(a=marked(kind="object")),
        schema(a=marked(kind="array")),
        schema(a=marked(kind="number")),
        schema(a=marked(kind="null")),
        schema(a=marked(kind=["string", "null"])),
        schema(a={"x-mcp-header": "A"}),
        schema(a=marked("Same"), b=marked("same")),
        schema(a={"type": "array", "items": marked()}),
        schema(a={"anyOf": [marked()]}),
        schema() | {"$defs": {"a": marked()}},
        schema() | {"if": schema(a=marked())},
        schema() | marked(kind="string"),
    ],
)
def test_a_tool_that_breaks_a_rule_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidToolError, match="x-mcp-header"):
        repeated_arguments(bad)


def test_an_example_or_a_default_in_a_schema_is_no_part_of_it() -> None:
    example = {"type": "object", "properties": {"x-mcp-header": {"type": "string"}}, "default": marked("")}
    assert repeated_arguments(schema(a=example)) == ()
    assert repeated_arguments(None) == ()


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("tools/call", {"name": "t", "uri": "x"}, "t"),
        ("prompts/get", {"name": "p"}, "p"),
        ("resources/read", {"uri": "file:///a"}, "file:///a"),
        ("tools/list", {"name": "t"}, None),
    ],
)
def test_the_name_is_that_of_the_tool_prompt_or_resource(
    method: str, params: dict[str, Any], name: str | None
) -> None:
    headers = request_headers("2026-07-28", method, params)
    assert headers.pop("Mcp-Name", None) == name
    assert headers == {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
