"""Finds tools by words of their names, titles, descriptions and parameters."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

from mcp import types

K = TypeVar("K")

ToolWords = Mapping[str, float]
"""The words of a tool with their weights."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")
_MOST_WORDS = 40
_DESCRIPTION = 2_000
_PARAMETERS = 50
_FULL = 3.0
_SATURATION = 1.5
_COMMON = frozenset(
    [
        "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "is", "it", "of", "on", "or",
        "that", "the", "this", "to", "with", "me", "my", "i", "you",
    ]
)  # fmt: skip


def words_of(tool: types.Tool) -> ToolWords:
    """Return what a tool is about: words of its name weigh more than those of its title, those more than its
    description's and those of its parameters' names."""
    weights: Counter[str] = Counter()
    properties = tool.inputSchema.get("properties")
    parameters = list(properties)[:_PARAMETERS] if isinstance(properties, dict) else []
    fields = (
        (tool.name, 3.0),
        (tool.title or (tool.annotations.title if tool.annotations else None) or "", 2.0),
        ((tool.description or "")[:_DESCRIPTION], 1.0),
        (" ".join(map(str, parameters)), 0.5),
    )
    for text, weight in fields:
        for word in _words(text):
            weights[word] += weight  # type: ignore[assignment] # a counter of floats
    return weights


def best_fits(wanted: str, tools: Iterable[tuple[K, ToolWords]], most: int) -> list[K]:
    """Return the keys of the tools that fit `wanted` best, at most so many, the best first (as BM25 does,
    without
    lengths: rare words count more, and the second mention of a word less)."""
    known = list(tools)
    asked = list(dict.fromkeys(_words(wanted)))[:_MOST_WORDS]
    scores: dict[int, float] = {}
    for word in asked:
        having = [(n, weight) for n, (_, words) in enumerate(known) if (weight := _weight(word, words))]
        rarity = math.log(1 + len(known) / len(having)) if having else 0.0
        for n, weight in having:
            scores[n] = scores.get(n, 0.0) + rarity * weight / (weight + _SATURATION)
    order = sorted(scores, key=lambda n: (-scores[n], n))
    return [known[n][0] for n in order[:most]]


def _weight(word: str, words: ToolWords) -> float:
    """Return the weight of a word; one that only begins alike counts for less."""
    if (exact := words.get(word)) is not None:
        return exact
    if len(word) <= _FULL:
        return 0.0
    return max((0.4 * weight for other, weight in words.items() if _alike(word, other)), default=0.0)


def _alike(word: str, other: str) -> bool:
    return len(other) > _FULL and (other.startswith(word) or word.startswith(other))


def _words(text: str) -> list[str]:
    """Return the words of a text in lower case, without the commonest and without a plural's ending."""
    found = (word.lower() for word in _WORD.findall(text))
    return [_singular(word) for word in found if word not in _COMMON]


def _singular(word: str) -> str:
    if len(word) > _FULL and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > _FULL and word.endswith("s") and not word.endswith("ss") else word
