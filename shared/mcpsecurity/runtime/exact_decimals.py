"""Decimals with all their digits: 1.10, or more of them than a double has.

Calculations see an `ExactFloat` as a double; `dumps` writes the text that it was read from.
Writers of JSON that know only doubles, such as pydantic's, get a string in its place by `marked`, and
`unmarked` makes a number of that string in what they have written. For readers that know only doubles a whole
value is `packed`. The mark is secret, so no text of others is taken for one.
"""

import json
import operator
import re
import secrets
from decimal import Decimal
from typing import Any, Self

_MARK = secrets.token_hex()
_MARKED = re.compile(rb'"' + _MARK.encode() + rb'([^"]*)"')
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_EXPONENT = re.compile(r"[eE]\+?(-?)0*(?=\d)")
_LEAVES = frozenset({str, int, float, bool, type(None)})


class ExactFloat(float):
    """A double that knows the number it was read from; `text` is that number in JSON."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Return the double nearest to a number of JSON."""
        value = super().__new__(cls, text)
        value.text = text
        return value


def read_decimal(text: str) -> float:
    """Return the number that a text stands for: an `ExactFloat` if a double has other digits.

    Raises:
        ValueError: it is not a number.
    """
    value = float(text)
    written = repr(value)
    if written == text or _EXPONENT.sub(r"e\1", text) == _EXPONENT.sub(r"e\1", written):
        return value
    return ExactFloat(text) if _DECIMAL.fullmatch(text) else value


def loads(text: str | bytes) -> Any:
    """Return what JSON says, as `json.loads` does, with exact decimals."""
    return json.loads(text, parse_float=read_decimal)


def dumps(value: Any, **options: Any) -> str:
    """Return a value as JSON, as `json.dumps` does, with exact decimals.

    Raises:
        TypeError, ValueError, RecursionError: as `json.dumps`.
    """
    try:
        plain = marked(value)
    except RecursionError:
        plain = value  # `json.dumps` says why
    text = json.dumps(plain, **options)
    if plain is value:
        return text
    return unmarked(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")


def marked(value: Any) -> Any:
    """Return a JSON value with marked strings in the place of `ExactFloat` and `Decimal`, if it has any.

    Raises:
        RecursionError: it nests too deep.
    """
    if isinstance(value, ExactFloat):
        return _MARK + value.text
    if isinstance(value, Decimal):
        return f"{_MARK}{value}" if value.is_finite() else value
    if isinstance(value, dict):
        members = [item if type(item) in _LEAVES else marked(item) for item in value.values()]
        same = all(map(operator.is_, members, value.values()))
        return value if same else dict(zip(value, members, strict=True))
    if isinstance(value, list | tuple):
        items = [item if type(item) in _LEAVES else marked(item) for item in value]
        return value if all(map(operator.is_, items, value)) else items
    return value


def unmarked(written: bytes) -> bytes:
    """Return JSON with numbers in the place of marked strings."""
    return _MARKED.sub(rb"\1", written)


def packed(value: Any) -> Any:
    """Return a JSON value that has exact decimals as a marked string for `unpacked`, others as they are.

    Raises:
        RecursionError: it nests too deep.
    """
    return value if marked(value) is value else _MARK + dumps(value)


def unpacked(value: Any) -> Any:
    """Return the value of a `packed` number; every other value as it is."""
    return loads(value.removeprefix(_MARK)) if isinstance(value, str) and value.startswith(_MARK) else value
