"""Sentences, terms, dates and numbers in the languages that the offline model speaks."""

import datetime as dt
import json
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from mcpsecurity.localcloud.openai.offline.languages import Language


class _Words(NamedTuple):
    """What `translations.json` beside this module has, by language."""

    phrases: dict[str, dict[Language, str]]
    terms: dict[str, dict[Language, str]]
    months: dict[Language, list[str]]
    weekdays: dict[Language, list[str]]
    dates: dict[Language, str]


@lru_cache(maxsize=1)
def _words() -> _Words:
    return _Words(**json.loads(files(__package__).joinpath("translations.json").read_text("utf-8")))


def phrase(key: str, language: Language, **values: object) -> str:
    """Return a sentence with its values; `Noun` is `noun` with a capital."""
    capital = {name.capitalize(): str(value)[:1].upper() + str(value)[1:] for name, value in values.items()}
    return _words().phrases[key][language].format(**values | capital)


def term(word: str, language: Language) -> str:
    """Return a word in a language; in English where it is not known."""
    return _words().terms.get(word.lower(), {}).get(language, word)


def article(number: int) -> str:
    """Return the English article before a number in digits: "an 8"."""
    return "an" if number in (11, 18) or str(number).startswith("8") else "a"


def date_words(day: dt.date, language: Language, *, year: bool = True) -> str:
    """Return a date: "Sunday, 29 November 2026"."""
    text = (
        _words()
        .dates[language]
        .format(
            day=_words().weekdays[language][day.weekday()],
            number="1er" if language == "fr" and day.day == 1 else day.day,
            month=_words().months[language][day.month - 1],
            year=day.year,
        )
    )
    return text if year else text.removesuffix(f" {day.year}").removesuffix(" de")


def number_words(value: float, language: Language) -> str:
    """Return a number with the decimal sign of a language, and no more decimals than it has."""
    text = str(value) if isinstance(value, int) else f"{value or 0:.10g}"
    return text if language == "en" else text.replace(".", ",")


def join_words(items: list[str], language: Language) -> str:
    """Return "a, b and c"."""
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {phrase('and', language)} {items[-1]}"
