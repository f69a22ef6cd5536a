"""The languages that the offline model reads and speaks.

A prompt is turned into English word by word, with names left as they are; sentences, terms, dates and numbers
of answers are put into the prompt's language.
"""

import datetime as dt
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from mcpsecurity.localcloud.openai.offline.dates import DAYS, MONTHS

Language = Literal["en", "de", "fr", "es"]

_CAPITALISED = frozenset({*DAYS, *MONTHS, "christmas", "easter"})
_LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es")


class _Glossary(NamedTuple):
    """What `glossary.json` beside this module has for a language.

    `telling` are words that tell the language; `words` are words and phrases with their English, of which the
    longest that fits is taken; `patterns`, case-insensitive, are replaced before the words.
    """

    telling: list[str]
    words: dict[str, str]
    patterns: list[tuple[str, str]]


class _Words(NamedTuple):
    """What `translations.json` beside this module has, by language."""

    phrases: dict[str, dict[Language, str]]
    terms: dict[str, dict[Language, str]]
    months: dict[Language, list[str]]
    weekdays: dict[Language, list[str]]
    dates: dict[Language, str]


@lru_cache(maxsize=1)
def _glossaries() -> dict[Language, _Glossary]:
    """Return the glossaries, in which each word stands without its accents, too, as people type it."""
    read = {language: _Glossary(**each) for language, each in _read("glossary.json").items()}
    return {
        language: each._replace(words={without_accents(k): v for k, v in each.words.items()} | each.words)
        for language, each in read.items()
    }


@lru_cache(maxsize=1)
def _words() -> _Words:
    return _Words(**_read("translations.json"))


def _read(name: str) -> Any:
    return json.loads(files(__package__).joinpath(name).read_text("utf-8"))


@dataclass(frozen=True)
class Prompt:
    """What a person wrote: `text` is its English, `language` that of the original."""

    text: str
    language: Language = "en"


def read_prompt(text: str, earlier: Sequence[str] = ()) -> Prompt:
    """Return a prompt in English. If a few words could be of several languages, `earlier` prompts decide."""
    language = _language_of(text) or _language_of(" ".join(earlier)) or "en"
    if language == "en":
        return Prompt(text)
    glossary = _glossaries()[language]
    for pattern, replacement in glossary.patterns:
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    return Prompt(_phrases(language).sub(lambda found: _english(found[0], glossary.words), text), language)


def without_accents(text: str) -> str:
    """Return a text in plain letters, as long as it was."""
    return "".join(unicodedata.normalize("NFD", character)[:1] for character in text)


def _english(found: str, words: dict[str, str]) -> str:
    english = words[found.lower()]
    return english.capitalize() if english in _CAPITALISED else english


def _language_of(text: str) -> Language | None:
    """Return the language that has most of the words; None when no language has more than another."""
    said = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", text.lower())
    counts = {language: sum(word in _known(language) for word in said) for language in _LANGUAGES}
    best = max(counts.values())
    leading = [language for language in _LANGUAGES if counts[language] == best]
    return leading[0] if best and len(leading) == 1 else None


@lru_cache(maxsize=len(_LANGUAGES))
def _known(language: Language) -> frozenset[str]:
    glossary = _glossaries()[language]
    single = {word for word in glossary.words if " " not in word and word not in _SHARED}
    return frozenset(glossary.telling) | single


_SHARED = frozenset({"in", "plan", "wind", "warm", "a", "o", "date", "an", "mars", "sol", "die", "am", "mai"})
"""Words of a glossary that tell nothing about the language."""


@lru_cache(maxsize=len(_LANGUAGES))
def _phrases(language: Language) -> re.Pattern[str]:
    longest_first = sorted(_glossaries()[language].words, key=len, reverse=True)
    return re.compile(rf"(?<![\w’'-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w])", re.IGNORECASE)


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
