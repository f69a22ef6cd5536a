"""Pages of lists, which FastMCP returns whole (specification 2025-11-25, utilities/pagination)."""

from base64 import b64decode, urlsafe_b64encode
from typing import Any

LISTS = {
    "tools/list": "tools",
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
"""The member of the result that has the entries, for each list request."""

_PREFIX = b"after:"


class BadCursorError(ValueError):
    """The cursor was not issued for this list."""


def page(result: dict[str, Any], method: str, cursor: Any, size: int) -> dict[str, Any]:
    """Return the page of a whole list that begins at `cursor`, or the first page without one.

    A cursor holds the number of entries before the page. When the list changes between two pages, entries may
    be missed or repeated; clients get a notification of the change and list again.

    Raises:
        BadCursorError: the cursor was not issued for this list.
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
        text = b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
        start = int(text.removeprefix(_PREFIX)) if text.startswith(_PREFIX) else 0
    except (AttributeError, ValueError):
        start = 0
    if not 0 < start < length:
        raise BadCursorError("Invalid params: cursor: not a cursor of this list")
    return start
