"""Log lines as JSON: one object a line for every kind of record."""

import json
import logging
from typing import Any

import pytest

from mcpsecurity.runtime.log import JsonFormatter


def line(message: str, *values: object, formatter: JsonFormatter | None = None, **more: Any) -> Any:
    record = logging.LogRecord("name", logging.WARNING, "", 0, message, values, None)
    record.__dict__.update(more)
    text = (formatter or JsonFormatter()).format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_has_time_level_logger_and_message() -> None:
    assert line("%d calls", 3, created=0.25) == {
        "time": "1970-01-01T00:00:00.250+00:00",
        "level": "WARNING",
        "logger": "name",
        "message": "3 calls",
    }


def test_a_line_has_the_fields_of_what_it_belongs_to() -> None:
    formatter = JsonFormatter([lambda: {"correlation_id": "7"}, lambda: {"trace_id": "a", "span_id": "b"}])
    found = line("said", formatter=formatter)
    assert (found["correlation_id"], found["trace_id"], found["span_id"]) == ("7", "a", "b")


def test_an_event_is_side_by_side_with_them_and_says_itself_what_it_belongs_to() -> None:
    event = {"time": "then", "event": "tool_call", "tool": "add", "correlation_id": "1"}
    found = line("{}", event=event, formatter=JsonFormatter([lambda: {"correlation_id": "2"}]))
    assert found == {"level": "WARNING", "logger": "name", "message": "tool_call", **event}


def test_an_exception_is_one_field_with_its_traceback() -> None:
    try:
        int("two\nlines")
    except ValueError as error:
        found = line("failed", exc_info=(ValueError, error, error.__traceback__))
    assert found["message"] == "failed"
    assert found["exception"].startswith("Traceback (most recent call last):")
    assert found["exception"].endswith("ValueError: invalid literal for int() with base 10: 'two\\nlines'")


@pytest.mark.parametrize("text", ["\udcff", "a\nb", '"', "\x00", "ü"])
def test_any_text_is_a_line(text: str) -> None:
    assert line("%s", text)["message"] == text


def test_what_json_does_not_have_is_text() -> None:
    found = line("", event={"event": "e", "error": ValueError("x"), "bytes": b"y"})
    assert (found["error"], found["bytes"]) == ("x", "b'y'")
