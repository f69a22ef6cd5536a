"""Strict JSON (RFC 8259), for what models, tools and pages send.

Python's own `json` reads and writes `NaN` and lone surrogates, which browsers refuse and which have no
digest: one such value in an event would end the stream of every page of the conversation.
"""

import json
from collections.abc import Iterable
from typing import Any

import orjson

from mcpsecurity.runtime.exact_decimals import ExactFloat
from mcpsecurity.runtime.strict_json import read_exactly, write_exactly

_MAX_DEPTH = 190
"""The checks of our client's own requests: a call that cannot be sent is never shown for approval."""


def read_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; numbers keep all their digits (of integers Python reads up to 4300).

    Raises:
        json.JSONDecodeError: the text is not JSON, or is nested too deeply.
    """
    try:
        value = read_exactly(text, exact_decimals=True)
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(f"this is no JSON: {error}", "", 0) from error
    return value


def to_json(value: Any) -> str:
    """Return a value as JSON. A value that JSON cannot express becomes null or a string."""
    try:
        return orjson.dumps(value, default=_written).decode()
    except TypeError:  # numbers beyond 64 bits, lone surrogates, keys that are not text
        return write_exactly(value, default=str)


def _written(value: Any) -> Any:
    return orjson.Fragment(value.text) if isinstance(value, ExactFloat) else str(value)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        level = [inner for outer in level for inner in _members(outer)]
        if not level:
            return
    raise ValueError("it is too deep")


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
