"""JSON in the page keeps every digit: it is written as it was read, and numbers compare exactly."""

import json
from typing import Any

import pytest
from playwright.async_api import Page

COPY = """
async ([text, indent]) => {
  const {readExact, writeExact} = await import("/static/js/protocol/exact.js");
  return writeExact(readExact(text), indent);
}
"""
READ = """
async ([text, names]) => {
  const {readExact} = await import("/static/js/protocol/exact.js");
  try {
    return {value: JSON.stringify(readExact(text, names && new Set(names)))};
  } catch (error) {
    return {error: error.name};
  }
}
"""
CHECK = """
async ([field, text]) => {
  const {check} = await import("/static/js/forms/check.js");
  const {writeExact} = await import("/static/js/protocol/exact.js");
  const {value, error} = check({kind: "integer", ...field}, {text, incomplete: false});
  return error ?? writeExact(value);
}
"""
BIG = "725653563933458433"
VALUES: list[Any] = [
    {},
    [],
    [[], {}, "", None, True, False],
    {"": {"a b": ["x", {"y": [1, -2, 0.5, 1e21]}]}, "é\u2028\U0001f600": '"\\\\" \\ / \n \u0000'},
    {"__proto__": 1, "constructor": {"toString": "x"}},
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("indent", [0, 2])
async def test_json_is_written_as_it_was_read(modules: Page, value: Any, indent: int) -> None:
    text = await modules.evaluate(COPY, [json.dumps(value), indent])
    assert json.loads(text) == value
    assert text == await modules.evaluate(
        "([t, n]) => JSON.stringify(JSON.parse(t), null, n)", [text, indent]
    )


@pytest.mark.parametrize("number", [BIG, f"-{BIG}", "9" * 4300, "1.0", "1.10", "1E400", "-0", "0.1", "1e+21"])
async def test_numbers_are_written_as_they_were_read(modules: Page, number: str) -> None:
    text = f'{{"a":[{number}]}}'
    assert await modules.evaluate(COPY, [text, 0]) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        "{,}",
        '{"a" 1}',
        "01",
        "1.",
        "+1",
        "NaN",
        "nul",
        '"\n"',
        '"\\x"',
        '"a',
        "1 2",
        "[" * 3000,
    ],
)
async def test_invalid_json_is_not_read(modules: Page, text: str) -> None:
    assert await modules.evaluate(READ, [text, None]) == {"error": "SyntaxError"}


async def test_only_what_was_named_is_exact(modules: Page) -> None:
    text = '{"at": 1000.0, "call": {"arguments": {"f": [1.0]}, "at": 2.0}}'
    found = json.loads((await modules.evaluate(READ, [text, ["arguments"]]))["value"])
    assert found == {"at": 1000, "call": {"arguments": {"f": [{"text": "1.0"}]}, "at": 2}}


@pytest.mark.parametrize(
    ("field", "typed", "found"),
    [
        ({}, BIG, BIG),
        ({}, "-007", "-7"),
        ({}, "-0", "0"),
        ({}, "9" * 4301, "This number is too large."),
        ({}, "12x", "Enter a whole number."),
        ({"maximum": 9007199254740992}, "9007199254740993", "Must be 9007199254740992 or less."),
        ({"exclusiveMinimum": 9007199254740992}, "9007199254740992", "Must be more than 9007199254740992."),
        ({"exclusiveMinimum": 9007199254740992}, "9007199254740993", "9007199254740993"),
        ({"kind": "number"}, "1.10", "1.10"),
        ({"kind": "number"}, ".5", "0.5"),
        ({"kind": "number"}, "1e400", "This number is too large."),
        ({}, "-1e400", "This number is too large."),
        ({"kind": "number"}, " 12,5", "12.5"),
        ({"kind": "number"}, "1,234", "Enter a number."),
        ({}, "１２", "12"),
        ({"kind": "number"}, "NaN", "Enter a number."),
    ],
)
async def test_a_typed_number_keeps_its_digits(
    modules: Page, field: dict[str, Any], typed: str, found: str
) -> None:
    assert await modules.evaluate(CHECK, [field, typed]) == found
