"""Dice and coins: what they are as random numbers."""

import re
from dataclasses import dataclass
from typing import Literal

from mcpsecurity.localcloud.openai.offline.prompt_words import NUMBER_WORDS

_WORDS = "|".join(word for word in NUMBER_WORDS if " " not in word)
_COUNT = rf"(\d{{1,2}}|{_WORDS}|some|a couple of|a pair of)"
_SHORT = re.compile(r"(?<![\w])(\d{1,2})?[dw](\d{1,3})\b", re.IGNORECASE)
_DICE = re.compile(
    rf"\b(?:roll|throw|cast|toss)\w*\b(?:\D{{0,20}}?\b{_COUNT}\b(?![- ]sided))?"
    rf".{{0,20}}?(?:(\d+|{_WORDS})[- ]sided )?\b(dice|die)\b",
    re.IGNORECASE,
)
_COIN = re.compile(
    rf"\b(?:flip|toss|throw|roll)\w*\b(?:\D{{0,20}}?\b{_COUNT}\b)?.{{0,20}}?\bcoins?\b|\bheads or tails\b",
    re.IGNORECASE,
)
_ALONE = re.compile(
    r"^\W*(?:an?\s+|one\s+)?(dice|die|coin)(?:\s+(?:please|pls|\S+ times))?\W*$", re.IGNORECASE
)
_TIMES = re.compile(rf"\b(?:{_COUNT} times|(twice))\b", re.IGNORECASE)
_MOST = 20


@dataclass(frozen=True)
class Chance:
    """Dice that are rolled, or coins that are tossed.

    Attributes:
        kind: what it is; a coin is 0 for heads and 1 for tails.
        count: how many.
        sides: how many sides each has.
    """

    kind: Literal["dice", "coin"]
    count: int
    sides: int

    @property
    def as_numbers(self) -> str:
        """The question in words that find a tool for random numbers."""
        low, high = (0, 1) if self.kind == "coin" else (1, self.sides)
        return f"{self.count} random numbers between {low} and {high}"


def chance_in(text: str) -> Chance | None:
    """Return the dice or coins that a text asks for, at most 20; None when it asks for none."""
    if re.search(r"\brandom numbers?\b", text, re.IGNORECASE):
        return None
    times = _TIMES.search(text)
    once = 1 if times is None else 2 if times[2] else _number(times[1], 1)
    if match := _ALONE.match(text):
        coin = match[1].lower() == "coin"
        return Chance("coin" if coin else "dice", once, 2 if coin else 6)
    if match := _COIN.search(text):
        return Chance("coin", _number(match[1], once), 2)
    if match := _SHORT.search(text):
        return Chance("dice", _number(match[1], once), max(int(match[2]), 2))
    if match := _DICE.search(text):
        return Chance("dice", _number(match[1], once), max(_number(match[2], 6, most=1000), 2))
    return None


def _number(text: str | None, otherwise: int, *, most: int = _MOST) -> int:
    if text is None:
        return otherwise
    word = text.lower()
    found = 2 if word in ("some", "a couple of", "a pair of") else NUMBER_WORDS.get(word)
    return max(1, min(found if found is not None else int(word), most))
