"""JSON as it comes and goes: strictly what RFC 8259 allows, whatever a model, a tool or a page sends.

Python's own `json` takes and writes `NaN` and lone surrogates, which no browser reads and no digest can be
made of: one such value in one event would end the stream of every page of the conversation.
"""

import json
from collections.abc import Iterable
from typing import Any

import orjson

from mcpsecurity.runtime.strict_json import read_exactly, write_exactly

__all__ = ["read_json", "to_json"]

_MAX_DEPTH = 200


def read_json(text: str | bytes) -> Any:
    """Return what JSON says, whole numbers with all their digits (up to the 4300 that Python reads).

    Raises:
        json.JSONDecodeError: it is no JSON, too deep, or has a number that a double cannot hold.
    """
    try:
        value = read_exactly(text)
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError(f"this is no JSON: {error}", "", 0) from error
    return value


def to_json(value: Any) -> str:
    """Return a value as JSON; what JSON does not have is null, or the value's text."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # numbers beyond 64 bits, lone surrogates, keys that are no text
        return write_exactly(value, default=str)


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
