"""Values in a prompt: ranges, counts, dates, places and time zones."""

import datetime as dt
import re
from functools import lru_cache
from zoneinfo import available_timezones

from mcpsecurity.localcloud.openai.offline.words import NUMBER_WORDS, integers

__all__ = ["count_before", "dates", "places", "quoted", "range_of", "time_zone"]

_N = r"(-?\d+(?:\.\d+)?|" + "|".join(w for w in NUMBER_WORDS if " " not in w) + ")"
_RANGES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bbetween\s+{_N}\s+(?:and|to)\s+{_N}\b",
        rf"\bfrom\s+{_N}\s+(?:to|up to|until|through)\s+{_N}\b",
        rf"\brange\s+(?:of\s+|from\s+)?{_N}\s*(?:to|and|,|-|–)\s*{_N}\b",
        rf"(?<![\w-]){_N}\s*(?:\.\.|–|-|to)\s*{_N}(?![\w-])",
    )
]
_BELOW = re.compile(
    rf"\b(?:below|under|less than|up to|at most|max(?:imum)?(?: of)?)\s+{_N}\b", re.IGNORECASE
)
_ABOVE = re.compile(rf"\b(?:above|over|more than|at least|min(?:imum)?(?: of)?)\s+{_N}\b", re.IGNORECASE)
_MONTHS = {
    name: number
    for number, name in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
}
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTH = "|".join(f"{name}|{name[:3]}" for name in _MONTHS)
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?({_MONTH})\b\.?,?\s*(\d{{4}})?", re.IGNORECASE
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}}))?", re.IGNORECASE
)
_UPPER = "A-ZÀ-ÖØ-Þ"
_PLACE = re.compile(
    rf"\b(?:in|for|at|near|to|of|about|visit)\s+((?:the\s+)?[{_UPPER}][\w'’.-]*"
    rf"(?:\s+(?:[{_UPPER}][\w'’.-]*|de|del|la|le|los|las|da|do|am|an der|im|upon|of|sur|under))*"
    rf"(?:,\s*[{_UPPER}][\w'’-]+(?:\s+[{_UPPER}][\w'’-]+)*(?=\s*(?:$|[?.!,;]|\bon\b|\bnext\b|\bfrom\b)))?)"
)
_LOWER_PLACE = re.compile(
    r"\b(?:in|for|at|near)\s+((?!the\b|a\b|an\b|me\b|this\b|my\b)[^\W\d_][^\W\d_'’-]*(?:[ '-][^\W\d_]+)*?)"
    r"(?=\s*(?:$|[?.!,;]|\b(?:today|tomorrow|tonight|now|right|please|and|then|from|on|next|this|with)\b))",
    re.IGNORECASE,
)
_NO_PLACE = frozenset({*_DAYS, *_MONTHS, "i", "utc", "gmt"})


def _number(text: str) -> float:
    return float(NUMBER_WORDS.get(text.lower(), 0)) if text.lower() in NUMBER_WORDS else float(text)


def range_of(text: str) -> tuple[float | None, float | None]:
    """Return the lower and upper end of a range that a text names; None for an end that it does not."""
    for pattern in _RANGES:
        if match := pattern.search(text):
            low, high = sorted((_number(match[1]), _number(match[2])))
            return low, high
    below, above = _BELOW.search(text), _ABOVE.search(text)
    return (_number(above[1]) if above else None), (_number(below[1]) if below else None)


def count_before(text: str, nouns: frozenset[str] | set[str]) -> int:
    """Return how many of a thing are asked for: the number before its name, else 1."""
    for position, number in integers(text):
        words = re.findall(r"[^\W\d_]+", text[position:].lower())
        following = [w for w in words if w not in NUMBER_WORDS][:3]
        named = any(
            w.rstrip("s").rstrip("e") in nouns or w in nouns or w.rstrip("s") in nouns for w in following
        )
        if (
            named
            and 1 < number <= 20
            and not re.search(r"(between|from|to|and|-|\.\.)\s*$", text[:position].lower())
        ):
            return number
    return 1


def dates(text: str, today: dt.date) -> list[dt.date]:
    """Return the days that a text names: ISO, "1 May 2027", "May 1", today, tomorrow, next Friday."""
    found: dict[int, dt.date] = {}
    for match in re.finditer(r"\b(\d{4})-(\d\d)-(\d\d)\b", text):
        _put(found, match.start(), int(match[1]), int(match[2]), int(match[3]))
    for match in _DAY_MONTH.finditer(text):
        _put(found, match.start(), _year(match[3], match[2], today), _month(match[2]), int(match[1]))
    for match in _MONTH_DAY.finditer(text):
        _put(found, match.start(), _year(match[3], match[1], today), _month(match[1]), int(match[2]))
    for word, offset in (("today", 0), ("tomorrow", 1), ("yesterday", -1)):
        for match in re.finditer(rf"\b{word}\b", text, re.IGNORECASE):
            found[match.start()] = today + dt.timedelta(days=offset)
    for match in re.finditer(rf"\b(?:next|on|this)\s+({'|'.join(_DAYS)})\b", text, re.IGNORECASE):
        ahead = (_DAYS.index(match[1].lower()) - today.weekday()) % 7 or 7
        found[match.start()] = today + dt.timedelta(days=ahead)
    return [found[position] for position in sorted(found)]


def places(text: str) -> list[str]:
    """Return the places that a text names: what stands capitalised after "in", "for" and the like."""
    found = [
        place.removeprefix("the ").rstrip(".,'’")
        for match in _PLACE.finditer(text)
        for place in (match[1], *_listed(text[match.end() :]))
    ]
    named = [p for p in found if p.lower() not in _NO_PLACE and p.lower() not in NUMBER_WORDS]
    if not named and (match := _LOWER_PLACE.search(text)) and match[1].lower() not in _NO_PLACE:
        named = [" ".join(word.capitalize() for word in match[1].split())]
    return list(dict.fromkeys(named))


def quoted(text: str) -> list[str]:
    """Return what stands in quotation marks."""
    return [m[1] for m in re.finditer(r"[\"“«]([^\"”»]{1,500})[\"”»]", text)]


def time_zone(text: str) -> str | None:
    """Return the IANA time zone that a text names, by itself or by its city."""
    for match in re.finditer(r"\b[A-Z][A-Za-z_]+/[A-Za-z_/+-]+\b|\bUTC\b|\bGMT\b", text):
        if match[0] in available_timezones():
            return match[0]
    return next((zone for place in places(text) if (zone := _zones().get(place.lower()))), None)


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {zone.rpartition("/")[2].replace("_", " ").lower(): zone for zone in sorted(available_timezones())}


def _listed(rest: str) -> list[str]:
    """Return further places of a list: ", Paris, Rome and Oslo"."""
    found = []
    while match := re.match(
        rf"\s*(?:,|and|or|,\s*and)\s+([{_UPPER}][\w'’-]+(?:\s+[{_UPPER}][\w'’-]+)*)", rest
    ):
        found.append(match[1])
        rest = rest[match.end() :]
    return found


def _month(name: str) -> int:
    return next(number for month, number in _MONTHS.items() if month.startswith(name.lower()))


def _year(text: str | None, month: str, today: dt.date) -> int:
    return int(text) if text else today.year + (_month(month) < today.month)


def _put(found: dict[int, dt.date], position: int, year: int, month: int, day: int) -> None:
    try:
        found[position] = dt.date(year, month, day)
    except ValueError:
        return
