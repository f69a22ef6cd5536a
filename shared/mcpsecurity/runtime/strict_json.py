"""JSON as RFC 8259 has it, with every digit of whole numbers and, where that is wanted, of decimals.

orjson reads integers beyond 64 bits as doubles and does not write them. Python's own `json` keeps the digits,
but takes and writes `NaN` and halves of surrogate pairs, which no other reader of JSON takes.
"""

import json
import math
import sys
from typing import Any

from mcpsecurity.runtime.exact_decimals import dumps, read_decimal

_MAX_DIGITS = sys.int_info.default_max_str_digits


class LongNumberError(ValueError):
    """A whole number has more digits than Python reads (4300)."""


def read_exactly(text: str | bytes, *, exact_decimals: bool = False) -> Any:
    """Return what JSON in UTF-8 says; decimals are doubles, or keep their digits by `exact_decimals`, also
    those beyond all doubles.

    Raises:
        LongNumberError: a whole number has more than 4300 digits.
        ValueError: it is not JSON, or has a number beyond all doubles, if doubles are wanted.
        RecursionError: it nests too deep.
    """
    read = text if isinstance(text, str) else text.decode()
    decimal = read_decimal if exact_decimals else _finite
    value = json.loads(read, parse_constant=_refuse, parse_float=decimal, parse_int=_whole)
    _check_text(read, value)
    return value


def write_exactly(value: Any, *, sort_keys: bool = False, default: Any = None) -> str:
    """Return a value as JSON: NaN and infinity become null, half a surrogate pair U+FFFD.

    `default` returns what to write for a part that has no JSON.

    Raises:
        TypeError: a part of it has no JSON.
        ValueError: a whole number has more than 4300 digits, or a value is within itself.
    """
    text = dumps(value, sort_keys=sort_keys, default=default)
    plain = json.loads(text, parse_constant=lambda _: None, parse_float=read_decimal)
    written = dumps(plain, separators=(",", ":"), ensure_ascii=False)
    return written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is too large")
    return value


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise LongNumberError(f"a number has more than {_MAX_DIGITS} digits")
    return int(text)


def _check_text(text: str, value: Any) -> None:
    """Raise `ValueError` for half a surrogate pair, which is not a character."""
    text.encode()
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode()
