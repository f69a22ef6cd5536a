"""The text around what a search found."""

import json

_BEFORE = 30
_LENGTH = 120


def snippet_of(body: str | None, search: str) -> str:
    """Return the words of a message around the first place of `search`, on one line; "" without a message.

    `body` is a stored message, a JSON object with a `text`. The place is found as the search finds it,
    without regard to case.
    """
    if body is None:
        return ""
    text = " ".join(str(json.loads(body).get("text", "")).split())
    place = text.casefold().find(" ".join(search.casefold().split()))
    start = max(place - _BEFORE, 0)
    cut = text[start : start + _LENGTH]
    return f"{'…' if start else ''}{cut}{'…' if start + _LENGTH < len(text) else ''}"
