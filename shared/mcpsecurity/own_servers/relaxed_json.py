"""JSON as editors write it: with comments, and with commas before a closing brace."""

import json
import re
from typing import Any

_PARTS = re.compile(
    r"""
    (?P<text>"(?:[^"\\]|\\.)*+(?:"|\Z))
    | (?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<comma>,(?=(?>\s++|//[^\n]*+|/\*.*?(?:\*/|\Z))*+[}\]]))
    """,
    re.VERBOSE | re.DOTALL,
)
"""Nothing is tried in two ways: a file of a stranger must not take for ever."""


def read_relaxed_json(text: str) -> Any:
    """Return the value of a JSON text. Raises `ValueError` if it is not JSON."""
    return json.loads(_PARTS.sub(_kept, text.removeprefix("\ufeff")))


def _kept(part: re.Match[str]) -> str:
    """Return a text as it is, and blanks for the rest, so that an error names the right line."""
    return part[0] if part["text"] is not None else re.sub(r"[^\n]", " ", part[0])
