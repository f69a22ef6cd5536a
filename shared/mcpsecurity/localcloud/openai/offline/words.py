"""Words of a prompt: stems, numbers, and which words mean the same."""

import re
from functools import lru_cache

__all__ = ["ACTING", "NUMBER_WORDS", "integers", "participle", "stems"]

# fmt: off
_COUNTS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
)
_STOP = frozenset({
    "a", "an", "and", "any", "are", "as", "ask", "at", "be", "by", "can", "could", "data", "do", "for",
    "from", "get", "give", "has", "have", "how", "i", "in", "is", "it", "its", "just", "let", "like",
    "make", "me", "my", "need", "of", "on", "or", "our", "please", "s", "show", "some", "tell", "that",
    "the", "their", "them", "then", "there", "this", "to", "tool", "tools", "us", "use", "using", "value",
    "values", "want", "was", "what", "what's", "whats", "which", "will", "with", "within", "would", "you",
    "your",
})
# Everyday words for what tools tend to be named after.
_SAME = {
    "bill": "invoice", "climate": "weather", "clock": "time", "cold": "weather", "day": "date",
    "dice": "random", "die": "random", "e-mail": "mail", "email": "mail", "exchange": "convert",
    "forecast": "weather", "holiday": "trip", "holidays": "trip", "hot": "weather", "journey": "trip",
    "now": "current", "place": "city", "present": "current", "rain": "weather", "raining": "weather",
    "snow": "weather", "sunny": "weather", "temperature": "weather", "today": "date", "town": "city",
    "travel": "trip", "umbrella": "weather", "vacation": "trip", "warm": "weather", "windy": "weather",
    "rainy": "weather", "sunshine": "weather",
    "warmer": "weather", "colder": "weather", "hotter": "weather", "cooler": "weather", "freezing": "weather",
    "humid": "weather", "humidity": "weather", "wind": "weather", "coat": "weather", "jacket": "weather",
    "wear": "weather", "lottery": "random", "evening": "time", "night": "time", "late": "time",
    "vacations": "trip",
    "people": "traveller", "persons": "traveller",
    "adults": "traveller",     "person": "traveller", "raincoat": "weather", "weekday": "date",
}
ACTING = frozenset({
    "add", "approve", "archive", "assign", "book", "buy", "cancel", "clear", "close", "copy", "create",
    "delete", "deploy", "disable", "drop", "empty", "enable", "erase", "format", "invite", "lock", "make",
    "mark", "merge", "move", "open", "order", "pay", "plan", "post", "publish", "purge", "put", "register",
    "remove", "rename", "reset", "restart", "save", "schedule", "send", "set", "start", "stop", "store",
    "submit", "switch", "transfer", "turn", "unlock", "update", "upload", "wipe", "write",
})
"""Verbs at the beginning of a tool's name that say that it changes something."""
_PARTICIPLES = {
    "buy": "bought", "make": "made", "pay": "paid", "put": "put", "reset": "reset",
    "send": "sent", "set": "set",
    "write": "written", "plan": "planned", "stop": "stopped", "drop": "dropped", "cancel": "cancelled",
    "submit": "submitted", "format": "formatted", "transfer": "transferred",
}
# fmt: on
NUMBER_WORDS = {word: number for number, word in enumerate(_COUNTS)}
NUMBER_WORDS |= {"a couple of": 2, "a dozen": 12, "a pair of": 2}
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
