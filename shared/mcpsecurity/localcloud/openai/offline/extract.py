"""Values in a prompt: ranges, counts, places and time zones."""

import datetime as dt
import re
from collections import Counter
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import available_timezones

from mcpsecurity.localcloud.openai.offline.dates import DAYS, MONTHS, days_in
from mcpsecurity.localcloud.openai.offline.languages import without_accents
from mcpsecurity.localcloud.openai.offline.prompt_words import NUMBER_WORDS, integers
from mcpsecurity.localcloud.openmeteo.cities import City, cities

_N = r"(-?\d+(?:\.\d+)?|" + "|".join(w for w in NUMBER_WORDS if " " not in w) + ")"
_RANGES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bbetween\s+{_N}\s+(?:and|to)\s+{_N}\b",
        rf"\bfrom\s+{_N}\s+(?:to|up to|until|through)\s+{_N}\b",
        rf"\brange\s+(?:of\s+|from\s+)?{_N}\s*(?:to|and|,|-|–)\s*{_N}\b",
        rf"(?<![\w-]){_N}\s*(?:\.\.|–|-|to|until)\s*{_N}(?![\w-])",
    )
]
_BELOW = re.compile(
    rf"(?<!\w)(?:(below|under|less than|smaller than|<(?!=))|<=|≤|up to|at most|until|max(?:imum)?(?: of)?)"
    rf"\s*{_N}\b",
    re.IGNORECASE,
)
_ABOVE = re.compile(
    r"(?<!\w)(?:(above|over|(?:more|greater|bigger|higher|larger) than|>(?!=))|>=|≥|at least"
    rf"|min(?:imum)?(?: of)?)\s*{_N}\b",
    re.IGNORECASE,
)
_BETTER = re.compile(r"\bno,? (?:rather|better|i mean(?:t)?|make (?:it|that))\b", re.IGNORECASE)
"""What stands before the range that is meant: "between 5 and 15, no, rather between 20 and 30"."""
_OUT_OF = re.compile(rf"\bout of {_N}\b", re.IGNORECASE)
_UPPER = "A-ZÀ-ÖØ-Þ"
_PLACE = re.compile(
    rf"\b(?:in|for|at|near|to|of|about|visit)\s+((?:the\s+)?[{_UPPER}][\w'’.-]*"
    rf"(?:\s+(?:[{_UPPER}][\w'’.-]*|de|del|la|le|los|las|da|do|am|an der|im|upon|of|sur|under))*"
    rf"(?:,\s*[{_UPPER}][\w'’-]+(?:\s+[{_UPPER}][\w'’-]+)*(?=\s*(?:$|[?.!,;]|\bon\b|\bnext\b|\bfrom\b)))?)"
)
_LOWER_PLACE = re.compile(
    r"\b(?:in|for|at|near)\s+((?!the\b|a\b|an\b|me\b|this\b|my\b)[^\W\d_][^\W\d_'’-]*(?:[ '-][^\W\d_]+)*?)"
    r"(?=\s*(?:$|[?.!,;]|\b(?:today|tomorrow|tonight|now|right|please|and|then|from|on|next|this|with|or)\b))",
    re.IGNORECASE,
)
_OTHER_NAMES = (
    "i utc gmt celsius fahrenheit noon night midnight home general case work christmas easter english german"
    " french spanish short detail all"
)
_NO_PLACE = frozenset({*DAYS, *MONTHS, *_OTHER_NAMES.split(" ")})
_WORDS_TOO = "nice mobile reading bath split orange same male most van lima bari tours cork hull essen"
_ALSO_WORDS = frozenset(_WORDS_TOO.split(" "))
"""Cities whose names are words as well: they are places only after a preposition."""
_SOME_DAY = dt.date(2000, 1, 1)


class Range(NamedTuple):
    """The ends of a range, None for one that is not named. `above`, `below`: the end itself is not meant."""

    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False


def range_of(text: str) -> Range:
    """Return the range that a text names: both of its ends are in it, unless it says "below" or the like."""
    text = _BETTER.split(text)[-1]
    if match := _OUT_OF.search(text):
        return Range(1, _number(match[1]))
    for pattern in _RANGES:
        if match := pattern.search(text):
            low, high = sorted((_number(match[1]), _number(match[2])))
            return Range(low, high)
    below, above = _BELOW.search(text), _ABOVE.search(text)
    return Range(
        _number(above[2]) if above else None,
        _number(below[2]) if below else None,
        above=bool(above and above[1]),
        below=bool(below and below[1]),
    )


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


def places(text: str) -> list[str]:
    """Return the places that a text names: after "in", "for" and the like, or known ones by themselves."""
    text = _without_days(text)
    found = [
        place.removeprefix("the ").rstrip(".,'’")
        for match in _PLACE.finditer(text)
        for place in (match[1], *_listed(text[match.end() :]))
    ]
    named = [p for p in found if _is_place(p)]
    if not named and (match := _LOWER_PLACE.search(text)) and _is_place(match[1]):
        named = [" ".join(word.capitalize() for word in match[1].split())]
        said = named[0].lower()
        named += [name for name in _known_in(text[match.end() :]) if name.lower() not in said]
    return list(dict.fromkeys(named or _known_in(text)))


def _is_place(name: str) -> bool:
    return name.lower() not in _NO_PLACE and name.lower().split()[0] not in NUMBER_WORDS


def _without_days(text: str) -> str:
    for days in reversed(days_in(text, _SOME_DAY)):
        text = f"{text[: days.position]} {text[days.end :]}"
    return text


def quoted(text: str) -> list[str]:
    """Return the texts in quotation marks."""
    return [m[1] for m in re.finditer(r"[\"“«„]([^\"”»“]{1,500})[\"”»“]", text)]


def time_zones(text: str) -> list[str]:
    """Return the IANA time zones that a text names, by itself, by cities, or by countries that have one."""
    for match in re.finditer(r"\b[A-Z][A-Za-z_]+/[A-Za-z_/+-]+\b|\bUTC\b|\bGMT\b", text):
        if match[0] in available_timezones():
            return [match[0]]
    found = (_zones().get(place.lower()) for place in places(text))
    return list(dict.fromkeys(zone for zone in found if zone))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Return time zones by the names of places, in lower case."""
    zones = {
        zone.rpartition("/")[2].replace("_", " ").lower(): zone for zone in sorted(available_timezones())
    }
    by_country: dict[str, Counter[str]] = {}
    for city in sorted(cities(), key=lambda city: city.population):
        zones |= dict.fromkeys((name.lower() for name in _names(city)), city.timezone)
        by_country.setdefault(city.country.lower(), Counter())[city.timezone] += 1
    zones |= {country: next(iter(found)) for country, found in by_country.items() if len(found) == 1}
    return zones


@lru_cache(maxsize=1)
def _known() -> re.Pattern[str]:
    names = {name for city in cities() for name in _names(city) if len(name) > 2}
    names -= {name for name in names if name.lower() in _ALSO_WORDS}
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def _names(city: City) -> set[str]:
    """Return the names of a city, with their accents and without."""
    return {form for name in (city.name, *city.also) for form in (name, without_accents(name))}


def _known_in(text: str) -> list[str]:
    return [
        match[0] if match[0] != match[0].lower() else match[0].title() for match in _known().finditer(text)
    ]


def _listed(rest: str) -> list[str]:
    """Return further places of a list: ", Paris, Rome and Oslo"."""
    found = []
    while match := re.match(
        rf"\s*(?:,|and|or|,\s*and)\s+(?:in\s+)?([{_UPPER}][\w'’-]+(?:\s+[{_UPPER}][\w'’-]+)*)", rest
    ):
        found.append(match[1])
        rest = rest[match.end() :]
    return found


def _number(text: str) -> float:
    return float(NUMBER_WORDS.get(text.lower(), 0)) if text.lower() in NUMBER_WORDS else float(text)
