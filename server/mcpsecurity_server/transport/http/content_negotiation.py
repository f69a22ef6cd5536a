"""Content-Type and Accept headers (RFC 9110)."""

from functools import lru_cache
from typing import Final

_JSON: Final = ("application", "json")
_STREAM: Final = ("text", "event-stream")


@lru_cache(maxsize=256)
def accepts_both(accept: str) -> bool:
    """Tell whether a POST's Accept header allows JSON and an event stream, as the specification demands."""
    return _accepts(accept, _JSON) and _accepts(accept, _STREAM)


@lru_cache(maxsize=256)
def accepts_stream(accept: str) -> bool:
    """Tell whether a GET's Accept header allows an event stream."""
    return _accepts(accept, _STREAM)


@lru_cache(maxsize=256)
def is_json(content_type: str) -> bool:
    """Tell whether a Content-Type header means JSON in UTF-8."""
    kind, _, parameters = content_type.partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    return kind.strip().lower() == "application/json" and charset in ("", "utf-8", "utf8")


def _accepts(accept: str, wanted: tuple[str, str]) -> bool:
    """Apply the most specific range that matches (RFC 9110, section 12.5.1); q=0 refuses."""
    best, quality = -1, 0.0
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        kind, _, subtype = media.partition("/")
        precision = _precision((kind, subtype), wanted)
        if precision > best:
            best, quality = precision, _quality(parameters)
    return quality > 0


def _precision(media: tuple[str, str], wanted: tuple[str, str]) -> int:
    if media == wanted:
        return 2
    if media == (wanted[0], "*"):
        return 1
    return 0 if media == ("*", "*") else -1


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
