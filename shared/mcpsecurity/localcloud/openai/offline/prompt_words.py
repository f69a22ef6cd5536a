"""The English words of a prompt: their stems, numbers, and which words mean the same."""

import difflib
import re
from collections.abc import Set as AbstractSet
from functools import lru_cache

# fmt: off
_COUNTS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)
_STOP = frozenset({
    "a", "an", "and", "any", "are", "as", "ask", "at", "be", "by", "can", "could", "data", "do", "for",
    "from", "get", "gimme", "give", "has", "have", "how", "i", "in", "is", "it", "its", "just", "let", "like",
    "make", "me", "my", "need", "of", "on", "or", "our", "please", "s", "show", "some", "tell", "that",
    "the", "their", "them", "then", "there", "this", "to", "tool", "tools", "us", "use", "using", "value",
    "values", "want", "was", "what", "what's", "whats", "whether", "which", "will", "with", "within",
    "would", "you", "your",
})
# Everyday words for what tools tend to be named after.
_SAME = {
    "adults": "traveller", "bill": "invoice", "chilly": "weather", "climate": "weather", "clock": "time",
    "cloudy": "weather", "coat": "weather", "cold": "weather", "colder": "weather", "cooler": "weather",
    "day": "date", "degrees": "weather", "dice": "random", "die": "random", "e-mail": "mail",
    "email": "mail", "evening": "time", "exchange": "convert", "foggy": "weather", "forecast": "weather",
    "freezing": "weather", "holiday": "trip", "holidays": "trip", "hot": "weather", "hotter": "weather",
    "humid": "weather", "humidity": "weather", "integer": "number", "jacket": "weather",
    "journey": "trip", "late": "time",
    "lottery": "random", "night": "time", "now": "current", "outdoors": "weather", "outside": "weather",
    "people": "traveller", "person": "traveller", "persons": "traveller", "place": "city",
    "present": "current", "rain": "weather", "raincoat": "weather", "raining": "weather",
    "rainy": "weather", "snow": "weather", "snowing": "weather", "stormy": "weather", "sunny": "weather",
    "sunshine": "weather", "temp": "weather", "temperature": "weather", "thunderstorm": "weather",
    "today": "date",
    "town": "city", "travel": "trip", "traveling": "trip", "travelling": "trip", "umbrella": "weather",
    "vacation": "trip", "vacations": "trip",
    "warm": "weather", "warmer": "weather", "wear": "weather", "weekday": "date", "wind": "weather",
    "windy": "weather",
}
ACTING = frozenset({
    "add", "approve", "archive", "assign", "begin", "book", "buy", "cancel", "cause", "clear", "close",
    "compose", "copy", "create", "delete", "demolish", "deploy", "destroy", "disable", "do", "drop",
    "empty", "enable", "erase", "fill", "format", "hold", "invite", "launch", "lock", "make", "mark",
    "merge", "move", "open", "order", "paint", "pay", "perform", "plan", "post", "print", "publish",
    "purge", "put", "register", "remove", "rename", "request", "reset", "restart", "run", "save",
    "schedule", "send", "set", "shut", "sign", "spray", "start", "stop", "store", "submit", "switch",
    "transfer", "trigger", "turn", "unlock", "update", "upload", "wipe", "write",
})
"""Verbs at the beginning of a tool's name that say that it changes something."""
_PARTICIPLES = {
    "begin": "begun", "do": "done", "hold": "held", "run": "run", "shut": "shut",
    "buy": "bought", "make": "made", "pay": "paid", "put": "put", "reset": "reset",
    "send": "sent", "set": "set",
    "write": "written", "plan": "planned", "stop": "stopped", "drop": "dropped", "cancel": "cancelled",
    "submit": "submitted", "format": "formatted", "transfer": "transferred",
}
# fmt: on
NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTS)}
NUMBER_WORDS |= {"twenty": 20, "hundred": 100, "a couple of": 2, "a dozen": 12, "a pair of": 2}
_LONG, _CLOSE = 5, 0.83
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?")


@lru_cache(maxsize=2048)
def _stem(word: str) -> str:
    word = _SAME.get(word, word)
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return _SAME.get(word, word.removesuffix(ending).rstrip("e"))
    return word.rstrip("e") if len(word) > 4 else word


def stems(text: str) -> list[str]:
    """Return the words that carry meaning, in their plainest form; snake_case and camelCase fall apart."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).replace("_", " ")
    return [_stem(word) for word in re.findall(r"[^\W\d_][\w'’-]*", spaced.lower()) if word not in _STOP]


def corrected(text: str, known: AbstractSet[str]) -> str:
    """Return a text with misspelt words put right: what nearly is one of `known`, or an everyday word.

    The first letter is nearly always right: "older" is not a misspelt "colder".
    """
    words = sorted({word for word in known | set(_SAME) if len(word) >= _LONG})

    def nearest(match: re.Match[str]) -> str:
        word = match[0].lower()
        alike = [other for other in words if other[0] == word[0]]
        close = difflib.get_close_matches(word, alike, n=1, cutoff=_CLOSE)
        return close[0] if close and word not in _STOP else match[0]

    return re.sub(rf"(?<![\w'’-])[^\W\d_]{{{_LONG},20}}(?![\w'’-])", nearest, text)


def integers(text: str) -> list[tuple[int, int]]:
    """Return the whole numbers in a text, as digits or words, each with its position; a date has none."""
    text = _ISO_DATE.sub(lambda match: " " * len(match[0]), text)
    found = [(m.start(), int(m.group())) for m in re.finditer(r"(?<![\w.])-?\d+(?![\w.]*\d)", text)]
    for word, number in NUMBER_WORDS.items():
        found += [(m.start(), number) for m in re.finditer(rf"\b{word}\b", text, re.IGNORECASE)]
    return sorted(found)


def participle(verb: str) -> str:
    """Return the past participle of an English verb."""
    if verb in _PARTICIPLES:
        return _PARTICIPLES[verb]
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ied"
    return f"{verb}d" if verb.endswith("e") else f"{verb}ed"
