"""Pages of lists that FastMCP returns in one piece (specification 2025-11-25, utilities/pagination)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

__all__ = ["LISTS", "BadCursorError", "page"]

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""Where each list request has its entries in the result."""

_PREFIX = b"after:"


class BadCursorError(ValueError):
    """The cursor is none that a page of this list ended with."""


def page(result: dict[str, Any], method: str, cursor: Any, size: int) -> dict[str, Any]:
    """Return the part of a whole list that begins at `cursor`, or at its start without one.

    Cursors say how many entries came before. When the list changes between two pages, entries may be missed
    or come twice; clients are told of changes, and list again.

    Raises:
        BadCursorError: the cursor is no cursor of this list.
    """
    key = LISTS[method]
    entries = result[key]
    start = _read(cursor, len(entries)) if cursor is not None else 0
    part = {**result, key: entries[start : start + size]}
    if start + size < len(entries):
        part["nextCursor"] = urlsafe_b64encode(_PREFIX + str(start + size).encode()).decode()
    return part


def _read(cursor: Any, length: int) -> int:
    try:
        text = urlsafe_b64decode(cursor.encode("ascii"))
        start = int(text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else 0
    except (AttributeError, ValueError):
        start = 0
    if not 0 < start < length:
        raise BadCursorError("Invalid params: cursor: not a cursor of this list")
    return start
