"""The language of a prompt, and the prompt in English: word by word, with names left as they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mcpsecurity.localcloud.openai.offline.dates import DAYS, MONTHS
from mcpsecurity.localcloud.openai.offline.glossary import FUNCTION_WORDS, GLOSSARY, PATTERNS

Language = Literal["en", "de", "fr", "es"]

_CAPITALISED = frozenset({*DAYS, *MONTHS, "christmas", "easter"})
_LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es")


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
    for pattern, replacement in PATTERNS[language]:
        text = re.sub(pattern, replacement, text, flags=re.IGNORECASE)
    words = GLOSSARY[language]
    return Prompt(_phrases(language).sub(lambda found: _english(found[0], words), text), language)


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
    single = {word for word in GLOSSARY.get(language, ()) if " " not in word and word not in _SHARED}
    return frozenset(FUNCTION_WORDS[language].split()) | single


_SHARED = frozenset({"in", "plan", "wind", "warm", "a", "o", "date", "an", "mars", "sol", "die", "am", "mai"})
"""Words of a glossary that tell nothing about the language."""


@lru_cache(maxsize=len(_LANGUAGES))
def _phrases(language: Language) -> re.Pattern[str]:
    longest_first = sorted(GLOSSARY[language], key=len, reverse=True)
    return re.compile(rf"(?<![\w’'-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w])", re.IGNORECASE)
