"""Results as facts: each value with its label and the unit that the tool's texts name for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcpsecurity.localcloud.openai.offline.languages import Language, number_words, phrase, term
from mcpsecurity.localcloud.openai.offline.tools import Tool

_UNIT = (
    "°C|°F|km/h|m/s|mph|knots|mm|cm|km|m|%|percent|kg|g|hPa|EUR|USD|CHF|GBP|seconds|minutes|hours|bytes|MB|GB"
)
_IN_TEXT = re.compile(rf"([^\W\d_]+)\s+(?:in\s+|\()({_UNIT})(?![\w/])")
_IN_NAMES = {
    "celsius": "°C", "fahrenheit": "°F", "kmh": "km/h", "mph": "mph", "mm": "mm", "cm": "cm", "km": "km",
    "percent": "%", "pct": "%", "kg": "kg", "hpa": "hPa", "eur": "EUR", "usd": "USD", "chf": "CHF",
    "seconds": "seconds", "minutes": "minutes", "hours": "hours", "bytes": "bytes", "mb": "MB", "gb": "GB",
}  # fmt: skip
_SUBJECTS = ("place", "city", "destination", "location", "name", "title", "subject")
_TECHNICAL = frozenset({"id", "latitude", "longitude", "lat", "lon", "uuid", "guid"})
_FILLERS = frozenset({"speed", "current", "now", "value", "total", *_IN_NAMES})
_ENDS = {"min": "max", "minimum": "maximum", "low": "high"}
_MEANT = {
    "windy": "wind", "humid": "humidity", "rain": "precipitation", "rainy": "precipitation",
    "wet": "precipitation", "snow": "precipitation", "warm": "temperature", "cold": "temperature",
    "hot": "temperature", "warmer": "temperature", "colder": "temperature", "hotter": "temperature",
    "permission": "scope", "right": "scope", "admin": "role", "administrator": "role",
}  # fmt: skip
_MOST = 10
_FAHRENHEIT = re.compile(r"\bfahrenheit\b|°F", re.IGNORECASE)


@dataclass(frozen=True)
class Fact:
    """A value of a result: `text` has its unit; `label` is empty where that says what it is."""

    key: str
    label: str
    text: str
    value: Any

    def __str__(self) -> str:
        return f"{self.label} {self.text}".strip()


def units_of(tool: Tool) -> dict[str, str]:
    """Return the units that a tool's description names, by what they measure: "wind in km/h"."""
    return {what.lower(): unit for what, unit in _IN_TEXT.findall(tool.description)}


def facts_of(
    record: Mapping[str, Any], tool: Tool, language: Language, *, without: Sequence[str] = (), asked: str = ""
) -> list[Fact]:
    """Return the facts of an object: those with a temperature first, then words, then the rest.

    Ids and coordinates are among them only if `asked`, a question, names what they are of; degrees are those
    of Fahrenheit if it says so.
    """
    units = units_of(tool)
    if _FAHRENHEIT.search(asked):
        record = {key: _in_fahrenheit(value, _unit(key, units)) for key, value in record.items()}
        units |= dict.fromkeys((what for what, unit in units.items() if unit == "°C"), "°F")
    shown = {k: v for k, v in record.items() if k not in without and _is_shown(k, v, asked)}
    facts = []
    for key, value in shown.items():
        parts = _parts(key)
        low = next((end for end in _ENDS if end in parts), None)
        if low is not None and (high := _partner(key, low, shown)) is not None:
            facts.append(_between(key, value, shown[high], units, language))
        elif not any(end in parts and _partner_of_high(key, shown) for end in _ENDS.values()):
            facts.append(_fact(key, value, units, language))
    return sorted(facts, key=_rank)


def _in_fahrenheit(value: Any, unit: str) -> Any:
    """Return a value of degrees Celsius in Fahrenheit, and every other value as it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return round(value * 1.8 + 32, 1) if is_number and unit == "°C" else value


def _is_shown(key: str, value: Any, asked: str) -> bool:
    if value is None or value in ("", [], {}):
        return False
    parts = set(_parts(key))
    if parts & _TECHNICAL and not (parts - _TECHNICAL) & set(re.findall(r"[^\W\d_]+", asked.lower())):
        return False
    return not (isinstance(value, list) and any(isinstance(item, dict | list) for item in value))


def _partner(key: str, low: str, record: Mapping[str, Any]) -> str | None:
    other = key.replace(low, _ENDS[low])
    return other if other != key and other in record else None


def _partner_of_high(key: str, record: Mapping[str, Any]) -> bool:
    return any(key.replace(high, low) in record for low, high in _ENDS.items() if high in _parts(key))


def _between(key: str, low: Any, high: Any, units: Mapping[str, str], language: Language) -> Fact:
    unit = _unit(key, units)
    text = f"{_inline(low, language)} {phrase('to', language)} {_inline(high, language)}"
    return Fact(key, _label(key, unit, language), f"{text} {unit}".strip(), high)


def _fact(key: str, value: Any, units: Mapping[str, str], language: Language) -> Fact:
    if isinstance(value, str):
        label = (
            "" if set(_parts(key)) & {"condition", "idea", "summary", "status"} else _label(key, "", language)
        )
        return Fact(key, label, term(value, language), value)
    unit = _unit(key, units) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    return Fact(key, _label(key, unit, language), f"{_inline(value, language)} {unit}".strip(), value)


def _unit(key: str, units: Mapping[str, str]) -> str:
    found = next((units[part] for part in _parts(key) if part in units), None)
    found = found or next((_IN_NAMES[part] for part in _parts(key) if part in _IN_NAMES), "")
    return "%" if found == "percent" else found


def _label(key: str, unit: str, language: Language) -> str:
    if unit in ("°C", "°F"):
        return ""
    ends = {*_ENDS, *_ENDS.values()} if unit else set()
    words = [part for part in _parts(key) if part not in _FILLERS and part not in ends]
    return term(" ".join(words or _parts(key)), language)


def _inline(value: Any, language: Language) -> str:
    if isinstance(value, bool):
        return phrase("yes" if value else "no", language).rstrip(".").lower()
    if isinstance(value, int | float):
        return number_words(value, language)
    if isinstance(value, list):
        return ", ".join(_inline(item, language) for item in value[:_MOST])
    if isinstance(value, dict):
        return ", ".join(
            f"{name.replace('_', ' ')} {_inline(item, language)}" for name, item in value.items()
        )
    return str(value)


def _rank(fact: Fact) -> int:
    if fact.text.endswith(("°C", "°F")):
        return 0
    return 1 if not fact.label else 2


def subject_of(record: Mapping[str, Any]) -> str | None:
    """Return the key of what an object is about: its place, name or title."""
    strings = [key for key, value in record.items() if isinstance(value, str) and value]
    return next((key for want in _SUBJECTS for key in strings if want in _parts(key)), None)


def rows_of(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the first list of objects in an object."""
    lists = (value for value in record.values() if isinstance(value, list) and value)
    return next((value for value in lists if all(isinstance(item, dict) for item in value)), [])


def asked_facts(facts: list[Fact], question: str, tool: Tool) -> list[Fact]:
    """Return the facts that a question names, all if it names none: "How windy is it?" is about the wind."""
    said = {word.rstrip("s") for word in re.findall(r"[^\W\d_]+", question.lower())}
    said |= {_MEANT[word] for word in said if word in _MEANT}
    said -= {word.rstrip("s") for word in re.split(r"[_\W]+", tool.plain_name.lower())}
    named = [fact for fact in facts if {part.rstrip("s") for part in _parts(fact.key)} & said]
    return named or facts


def _parts(key: str) -> list[str]:
    return [part for part in re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower().split("_") if part]
