"""JSON as it comes and goes: strictly what RFC 8259 allows, whatever a model, a tool or a page sends.

Python's own `json` takes and writes `NaN` and lone surrogates, which no browser reads and no digest can be
made of: one such value in one event would end the stream of every page of the conversation.
"""

import json
from typing import Any

import orjson

__all__ = ["read_json", "to_json"]


def read_json(text: str | bytes) -> Any:
    """Return what JSON says. Raises `ValueError`."""
    return orjson.loads(text)


def to_json(value: Any) -> str:
    """Return a value as JSON; what JSON does not have is null, or the value's text."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # numbers beyond 64 bits, lone surrogates, keys that are no text
        text = json.dumps(value, default=str)
        return json.dumps(json.loads(text, parse_constant=lambda _: None))
