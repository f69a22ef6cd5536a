"""Days that a prompt names: "1 May", "in 90 days", "next weekend", "Christmas"; and questions about them."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mcpsecurity.localcloud.openai.offline.prompt_words import NUMBER_WORDS

MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_COUNT = r"(\d{1,5}|a|an|" + "|".join(word for word in NUMBER_WORDS if " " not in word) + ")"
_UNIT = r"(day|week|fortnight|month|year)s?"
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS)
_DAY = "|".join(DAYS)
_ISO = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_POINTS = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})?(?!\d)")
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?({_MONTH})\b\.?,?\s*(\d{{4}})?", re.IGNORECASE
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)(?:,?\s+(\d{{4}}))?", re.IGNORECASE
)
_NAMED_DAY = re.compile(
    rf"\b(?:next|on|this|coming|until|till|by|last|from|to)?\s*\b({_DAY})\b", re.IGNORECASE
)
_AHEAD = re.compile(
    rf"\bin\s+{_COUNT}\s+{_UNIT}\b|\b{_COUNT}\s+{_UNIT}\s+(?:from\s+(?:now|today)|later|ahead)\b",
    re.IGNORECASE,
)
_AGO = re.compile(rf"\b{_COUNT}\s+{_UNIT}\s+ago\b", re.IGNORECASE)
_FOR = re.compile(rf"\bfor\s+(?:the\s+next\s+)?{_COUNT}\s+{_UNIT}\b", re.IGNORECASE)
_NEAR = {"day after tomorrow": 2, "tomorrow": 1, "today": 0, "tonight": 0, "yesterday": -1}
_FEASTS = {
    "christmas eve": (12, 24), "christmas": (12, 25), "new year's eve": (12, 31), "new years eve": (12, 31),
    "new year's day": (1, 1), "new year": (1, 1), "halloween": (10, 31), "valentine's day": (2, 14),
}  # fmt: skip
_FEAST = re.compile(rf"\b({'|'.join(_FEASTS)})\b", re.IGNORECASE)
_EASTER = re.compile(r"\beaster(?: sunday)?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Days:
    """Consecutive days, and where in the text they are named."""

    position: int
    end: int
    first: dt.date
    last: dt.date


def days_in(text: str, today: dt.date) -> list[Days]:
    """Return the days that a text names, in its order. What a longer name has within is not named again."""
    found: list[tuple[int, int, dt.date, dt.date]] = []
    for start, end, first, last in _named(text, today):
        if not any(start < other_end and other_start < end for other_start, other_end, *_ in found):
            found.append((start, end, first, last))
    days = [Days(*each) for each in sorted(found)]
    length = _FOR.search(text)
    if length and len(days) == 1 and days[0].first == days[0].last:
        last = _add(days[0].first, _count(length[1]), length[2]) - dt.timedelta(days=1)
        days = [replace(days[0], last=last)]
    return days


def _named(text: str, today: dt.date) -> Iterator[tuple[int, int, dt.date, dt.date]]:
    """Yield days with the places where their names begin and end, the most telling forms first."""
    for start, end, day in _calendar_days(text, today):
        yield start, end, day, day
    for match in _AHEAD.finditer(text):
        count, unit = (match[1], match[2]) if match[1] else (match[3], match[4])
        day = _add(today, _count(count), unit)
        yield match.start(), match.end(), day, day
    for match in _AGO.finditer(text):
        day = _add(today, -_count(match[1]), match[2])
        yield match.start(), match.end(), day, day
    yield from _periods(text, today)
    for name, offset in _NEAR.items():
        for match in re.finditer(rf"\b{name}\b", text, re.IGNORECASE):
            day = today + dt.timedelta(days=offset)
            yield match.start(), match.end(), day, day
    for match in _NAMED_DAY.finditer(text):
        ahead = (DAYS.index(match[1].lower()) - today.weekday()) % 7 or 7
        day = today + dt.timedelta(days=ahead - 7 if match[0].lower().startswith("last") else ahead)
        yield match.start(), match.end(), day, day


def _calendar_days(text: str, today: dt.date) -> Iterator[tuple[int, int, dt.date]]:
    forms: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], dt.date | None]], ...] = (
        (_ISO, lambda found: _day(int(found[1]), int(found[2]), int(found[3]))),
        (_POINTS, lambda found: _coming(found[3], int(found[2]), int(found[1]), today)),
        (_DAY_MONTH, lambda found: _coming(found[3], _month(found[2]), int(found[1]), today)),
        (_MONTH_DAY, lambda found: _coming(found[3], _month(found[1]), int(found[2]), today)),
        (_FEAST, lambda found: _coming(None, *_FEASTS[found[1].lower()], today)),
        (_EASTER, lambda _: _coming_easter(today)),
    )
    for pattern, read in forms:
        for match in pattern.finditer(text):
            if day := read(match):
                yield match.start(), match.end(), day


def _periods(text: str, today: dt.date) -> Iterator[tuple[int, int, dt.date, dt.date]]:
    monday = today - dt.timedelta(days=today.weekday())
    for match in re.finditer(r"\b(next|this|the|on the|at the)\s+weekend\b", text, re.IGNORECASE):
        begin = monday + dt.timedelta(days=5)
        if match[1].lower() == "next" and today >= begin:
            begin += dt.timedelta(days=7)
        yield match.start(), match.end(), max(begin, today), begin + dt.timedelta(days=1)
    for match in re.finditer(r"\b(?:end of|left in) (?:the|this) (year|month)\b", text, re.IGNORECASE):
        begin = dt.date(today.year, 1 if match[1].lower() == "year" else today.month, 1)
        end = _add(begin, 1, match[1]) - dt.timedelta(days=1)
        yield match.start(), match.end(), end, end
    for match in re.finditer(r"\b(next|this)\s+week\b", text, re.IGNORECASE):
        begin = monday + dt.timedelta(days=7 if match[1].lower() == "next" else 0)
        yield match.start(), match.end(), max(begin, today), begin + dt.timedelta(days=6)
    for match in re.finditer(rf"\bnext\s+{_COUNT}\s+days\b", text, re.IGNORECASE):
        yield match.start(), match.end(), today, today + dt.timedelta(days=_count(match[1]) - 1)
    for match in re.finditer(rf"\b(?:in|next|this)\s+({'|'.join(MONTHS)})\b(?!\s+\d)", text, re.IGNORECASE):
        month = _month(match[1])
        first = dt.date(today.year + (month < today.month), month, 1)
        yield match.start(), match.end(), first, _add(first, 1, "month") - dt.timedelta(days=1)


@dataclass(frozen=True)
class DateQuestion:
    """A question that the calendar answers: which day it is then, or how long until then.

    `ahead` is the distance of the day from today, so that a clock elsewhere can be asked for today; `begin`
    that of the day from which is counted.
    """

    kind: Literal["which", "until", "between", "age", "week"]
    ahead: dt.timedelta
    unit: str = "day"
    begin: dt.timedelta = dt.timedelta()


_WHICH = re.compile(
    r"^\W*(?:and\s+)?(?:(?:(?:what|which)\b.{0,24}\b)?(?:date|day|weekday)\b|(?:what|which) is (?=in\b)"
    r"|when (?:is|will)\b|(?:today )?in .{1,20}\b(?:what|which) (?:date|day)\b)",
    re.IGNORECASE,
)
_UNTIL = re.compile(
    r"\bhow (?:many (day|week)s|long)\b.*\b(?:until|till|before|to|is it to|are left|left in)\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\bhow many (day|week)s\b.*\b(?:between|from)\b", re.IGNORECASE)
_DATE_OF_IT = re.compile(r"['’]s date\W*$", re.IGNORECASE)
_SINCE = re.compile(r"\bhow (?:many (day|week)s|long)\b.{0,20}\b(?:since|ago)\b", re.IGNORECASE)
_AGE = re.compile(r"\bhow old\b.*\bborn\b", re.IGNORECASE)
_WEEK_NUMBER = re.compile(
    r"\bweek number\b|\b(?:what|which) (?:calendar )?week (?:is it|are we|do we have|of the year)\b",
    re.IGNORECASE,
)
_TODAY = re.compile(r"\b(?:today|now|current)\b", re.IGNORECASE)


def date_question(text: str, today: dt.date) -> DateQuestion | None:
    """Return the question about the calendar in a text; None when it has none."""
    days = days_in(text, today)
    if _WEEK_NUMBER.search(text) and len(days) <= 1:
        return DateQuestion("week", days[0].first - today if days else dt.timedelta())
    if len(days) == 2 and (match := _BETWEEN.search(text)):
        begin, end = sorted(day.first - today for day in days)
        return DateQuestion("between", end, match[1].lower(), begin)
    if len(days) > 1:  # "today in a week", "What is today's date, and how long is it until then?"
        days = [day for day in days if day.first != today]
    if len(days) != 1:
        return None
    return _about_day(text, days[0], days[0].first - today)


def _about_day(text: str, day: Days, ahead: dt.timedelta) -> DateQuestion | None:
    """Return the question that is asked about one day, which is so far ahead."""
    if match := _UNTIL.search(text):
        return DateQuestion("until", ahead, (match[1] or "day").lower())
    if (match := _SINCE.search(text)) and ahead < dt.timedelta():
        return DateQuestion("between", dt.timedelta(), (match[1] or "day").lower(), ahead)
    if _AGE.search(text) and ahead <= dt.timedelta():
        return DateQuestion("age", ahead)
    if _DATE_OF_IT.search(text) and ahead:
        return DateQuestion("which", ahead)
    if (match := _WHICH.search(text)) and day.position < match.end() <= day.end:
        return None  # the "day" of "day after tomorrow"
    if match and ahead and not (_TODAY.search(text) and not _AHEAD.search(text)):
        return DateQuestion("which", ahead)
    return None


def _coming_easter(today: dt.date) -> dt.date:
    this = easter(today.year)
    return this if this >= today else easter(today.year + 1)


def easter(year: int) -> dt.date:
    """Return Easter Sunday of the Gregorian calendar (the "anonymous" algorithm of 1876)."""
    golden, century, rest = year % 19, year // 100, year % 100
    leap, over = divmod(century, 4)
    shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leap - shift + 15) % 30
    leaps, years = divmod(rest, 4)
    weekday = (32 + 2 * over + 2 * leaps - epact - years) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return dt.date(year, month, day + 1)


def _add(day: dt.date, count: int, unit: str) -> dt.date:
    """Return the day that is `count` units later; the last day of the month where it would be none."""
    days = {"day": 1, "week": 7, "fortnight": 14}.get(unit.lower())
    try:
        if days is not None:
            return day + dt.timedelta(days=days * count)
        months = day.year * 12 + day.month - 1 + count * (12 if unit.lower() == "year" else 1)
        year, month = divmod(months, 12)
        return next(found for less in range(4) if (found := _day(year, month + 1, day.day - less)))
    except (OverflowError, StopIteration):
        return day


def years_between(born: dt.date, day: dt.date) -> int:
    """Return the whole years between two days."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _count(text: str) -> int:
    return 1 if text.lower() in ("a", "an") else NUMBER_WORDS.get(text.lower()) or int(text)


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower()))


def _coming(year: str | None, month: int, number: int, today: dt.date) -> dt.date | None:
    """Return a day of a year, or the next one of that name."""
    if year:
        return _day(int(year), month, number)
    day = _day(today.year, month, number)
    return day if day is None or day >= today else _day(today.year + 1, month, number)


def _day(year: int, month: int, number: int) -> dt.date | None:
    try:
        return dt.date(year, month, number)
    except ValueError:
        return None
