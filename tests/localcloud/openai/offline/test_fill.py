"""Arguments for tools of servers that others have written."""

import datetime as dt
from typing import Any

import pytest

from mcpsecurity.localcloud.openai.offline.fill import fill
from mcpsecurity.localcloud.openai.offline.tools import read_tools

TEXT, NUMBER = {"type": "string"}, {"type": "number"}


def filled(name: str, text: str, *required: str, **properties: Any) -> list[dict[str, Any]]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    function = {"name": f"Other-{name}", "description": "", "parameters": schema}
    return fill(
        read_tools({"tools": [{"type": "function", "function": function}]})[0], text, dt.date(2026, 11, 29)
    )


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("add 3 and 4", {"a": 3, "b": 4}),
        ("Can you add 2.5 to 4?", {"a": 2.5, "b": 4}),
        ("add 3", {}),
        ("add 1, 2 and 3", {}),
    ],
)
def test_as_many_numbers_as_are_needed_are_taken_in_their_order(text: str, arguments: dict[str, Any]) -> None:
    assert filled("add", text, "a", "b", a=NUMBER, b=NUMBER) == [arguments]


@pytest.mark.parametrize(
    ("name", "text", "arguments"),
    [
        ("navigate", "Navigate to http://localhost:9001/health.", {"url": "http://localhost:9001/health"}),
        ("navigate", "Go somewhere", {}),
    ],
)
def test_an_address_is_taken_whole(name: str, text: str, arguments: dict[str, Any]) -> None:
    assert filled(name, text, "url", url=TEXT) == [arguments]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("Read the file /etc/hosts", "/etc/hosts"),
        ("read notes.txt, please", "notes.txt"),
        ("What is in ~/docs/plan.md?", "~/docs/plan.md"),
        ("read file of ann@contoso.example", None),
    ],
)
def test_a_file_is_known_by_its_form(text: str, path: str | None) -> None:
    assert filled("read_file", text, "path", path=TEXT) == [{"path": path} if path else {}]


@pytest.mark.parametrize(
    ("name", "parameter", "text", "value"),
    [
        ("find", "what", "find items named lamp", "lamp"),
        ("echo", "message", "Echo hello world!", "hello world"),
        ("echo", "message", "Echo the quick fox!", "the quick fox"),
        ("get_stock_price", "symbol", "price of stock AAPL", "AAPL"),
        ("list_repositories", "user", "List the repositories of octocat", "octocat"),
        ("echo", "message", "Echo echo", "echo"),
        ("letters", "word", "How many letters r are in the word strawberry?", "strawberry"),
        ("translate", "sentence", "What can you do?", None),
    ],
)
def test_the_only_text_that_is_needed_is_what_follows(
    name: str, parameter: str, text: str, value: str | None
) -> None:
    optional = {"limit": {"type": "integer"}}
    assert filled(name, text, parameter, **{parameter: TEXT}, **optional) == [
        {parameter: value} if value else {}
    ]
