"""Which tool a text speaks of, and arguments for it. What the text does not say is left out."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

from mcpsecurity.localcloud.openai.offline.dates import days_in
from mcpsecurity.localcloud.openai.offline.extract import (
    count_before,
    places,
    quoted,
    range_of,
    time_zones,
)
from mcpsecurity.localcloud.openai.offline.prompt_words import NUMBER_WORDS, integers, stems
from mcpsecurity.localcloud.openai.offline.tools import Parameter, Tool

_LOW, _HIGH = {"min", "minimum", "lower", "low", "start"}, {"max", "maximum", "upper", "high", "end"}
_PLACES = {"city", "location", "destination", "country", "region", "address"}
_DATES = {"date", "day", "datetime", "when", "time"}
_TEXTS = {"subject", "topic", "query", "question", "text", "message", "title", "about", "body"}
_PEOPLE = {"recipient", "mail", "address"}
_LINKS = {"url", "uri", "link", "website", "href"}
_FILES = {"path", "file", "filename", "filepath", "directory", "folder"}
_LINK = re.compile(r"\bhttps?://[^\s<>\"']*[\w/]")
_FILE = re.compile(r"(?<!\S)(?:~?/|\.{1,2}/|[A-Za-z]:\\)\S*\w|(?<!\S)[\w-]+\.[A-Za-z]\w{0,4}\b(?!\S*@)")


def fill(tool: Tool, text: str, today: dt.date) -> list[dict[str, Any]]:
    """Return the arguments of each call that a text asks for: one for each of several places, else one."""
    common = {p.name: v for p in tool.parameters if (v := _value(p, tool, text, today)) is not None}
    where = next(
        (p for p in tool.parameters if p.type == "string" and p.parts & _PLACES and not _is_zone(p)), None
    )
    named = places(text)
    if where is not None and len(named) > 1 and not where.schema.get("enum"):
        return [{**common, where.name: place} for place in named]
    zone = next((p for p in tool.parameters if p.type == "string" and _is_zone(p)), None)
    if zone is not None and where is None and (zones := time_zones(text)):
        return [{**common, zone.name: name} for name in zones]
    return [common]


def _value(parameter: Parameter, tool: Tool, text: str, today: dt.date) -> Any:
    options = parameter.schema.get("enum") or [o.get("const") for o in parameter.schema.get("oneOf", ())]
    if options:
        return next((o for o in options if _says(text, str(o))), None)
    match parameter.type:
        case "integer" | "number":
            return _numeric(parameter, tool, text)
        case "boolean":
            return True if parameter.words and parameter.words <= set(stems(text)) else None
        case "array":
            return _listed(parameter, text)
        case "string":
            return _worded(parameter, tool, text, today)
    return None


def _numeric(parameter: Parameter, tool: Tool, text: str) -> float | int | None:
    said, whole = range_of(text), parameter.type == "integer"
    number: float | None
    if parameter.parts & _LOW:
        number = said.low + (whole and said.above) if said.low is not None else None
    elif parameter.parts & _HIGH:
        number = said.high if said.high is not None else _room_above(said.low, parameter)
        if number is not None and whole:  # a person means the end, too, unless they say "below"
            number += parameter.exclusive - said.below
    else:
        number = _number_for(parameter, tool, text)
    if number is None:
        return None
    return int(number) if parameter.type == "integer" or number == int(number) else number


def _room_above(low: float | None, parameter: Parameter) -> float | None:
    """Return an upper end for "bigger than 100", where the default is too low for it."""
    default = parameter.schema.get("default")
    if low is None or not isinstance(default, int | float) or default > low + 1:
        return None
    return low * 10 if low > 0 else low + 100


def _number_for(parameter: Parameter, tool: Tool, text: str) -> float | None:
    """Return the number next to the parameter's name, or the only one that is left."""
    found = integers(text)
    for position, number in found:
        following = [word for word in stems(text[position:]) if word not in NUMBER_WORDS]
        if parameter.words & set(following[:1]):
            return number
    for position, number in found:
        if parameter.words & set(stems(text[max(0, position - 25) : position])):
            return number
    decimals = re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])", text)
    several = count_before(text, tool.words) > 1
    numeric = [p for p in tool.parameters if p.required and p.type in ("integer", "number")]
    alone = sum(p.type in ("integer", "number") for p in tool.parameters) == 1
    in_order = len(numeric) > 1 and len(numeric) == len(decimals)  # "add 3 and 4"
    if parameter not in numeric or several or not (decimals if alone else in_order):
        return None
    return float(decimals[numeric.index(parameter)])


def _worded(parameter: Parameter, tool: Tool, text: str, today: dt.date) -> str | None:
    if _is_zone(parameter):
        return next(iter(time_zones(text)), None)
    if parameter.parts & _LINKS or parameter.schema.get("format") == "uri":
        return found[0] if (found := _LINK.search(text)) else None
    if parameter.parts & _FILES:
        return found[0] if (found := _FILE.search(text)) else None
    if parameter.parts & _DATES or parameter.schema.get("format") in ("date", "date-time"):
        return _date(parameter, text, today)
    if parameter.parts & _PLACES:
        return next(iter(places(text)), None)
    if "currency" in parameter.parts:
        return _currency(parameter, text)
    addresses = re.findall(r"[\w.+-]+@[\w-]+\.[\w.-]*\w", text)
    if addresses and (parameter.parts & _PEOPLE or parameter.name in ("to", "email", "recipient")):
        return str(addresses[0])
    is_text = parameter.parts & _TEXTS or parameter.name in _TEXTS
    said = _topic(text) if is_text else _after_name(parameter, text)
    wanted = [p for p in tool.parameters if p.required and p.type == "string"]
    return said or (_rest(parameter, tool, text) if wanted == [parameter] else None)


def _is_zone(parameter: Parameter) -> bool:
    return bool(parameter.parts & {"zone", "timezone", "tz"})


def _date(parameter: Parameter, text: str, today: dt.date) -> str | None:
    if moments := re.findall(r"\b\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?", text):
        return str(moments[0])
    found = days_in(text, today)
    is_end = bool(parameter.parts & {"end", "return", "until", "to", "last"}) or parameter.name.startswith(
        "to"
    )
    if not found or (is_end and len(found) < 2 and found[0].first == found[0].last):
        return None
    day = found[-1].last if is_end else found[0].first
    said = re.search(r"\b(today|now|current)\b", text, re.IGNORECASE) and not parameter.required
    return None if said and day == today else day.isoformat()


def _currency(parameter: Parameter, text: str) -> str | None:
    codes = re.findall(r"\b[A-Z]{3}\b", text)
    position = 1 if parameter.name.startswith(("to", "target")) else 0
    return codes[position] if len(codes) > position else None


def _topic(text: str) -> str | None:
    if strings := quoted(text):
        return strings[0]
    match = re.search(r"\b(?:about|on|for|subject|titled|saying|that says)\s+(?!\S+@)(.+?)\s*[.?!]*$", text)
    return match[1] if match else None


def _after_name(parameter: Parameter, text: str) -> str | None:
    """Return the word after the parameter's name: "invoice 4711" for `invoice_id`."""
    if strings := quoted(text):
        return strings[0]
    for word in re.split(r"[_\W]+", parameter.name):
        match = re.search(
            rf"\b{re.escape(word)}\b\s*(?:number|no\.?|id|called|named|is|=|:|#)*\s*#?([\w.-]*\w)",
            text,
            re.IGNORECASE,
        )
        if len(word) > 2 and match and (re.search(r"\d", match[1]) or match[1][0].isupper()):
            return str(match[1])
    return None


def _rest(parameter: Parameter, tool: Tool, text: str) -> str | None:
    """Return the words of a prompt for a tool's only required text: "lamp" of "find items named lamp"."""
    named = "|".join(("named", "called", "saying", "says", *map(re.escape, parameter.parts)))
    if match := re.search(rf"\b(?:{named})\s+(?!(?:is|are|of|for|to)\b)(.+?)\s*[.?!]*$", text, re.IGNORECASE):
        return match[1]
    match = re.match(r"\s*(?:please\s+)?(\w+)\s+(.+?)\s*[.?!]*$", text, re.IGNORECASE)
    return _without_topic(match[2], tool) if match and tool.words & set(stems(match[1])) else None


def _without_topic(text: str, tool: Tool) -> str:
    """Return a text without the words at its beginning that the tool is described by: "AAPL" of "the price of
    stock AAPL"; all of it if there are no others."""
    words = text.split()
    topic = tool.words | tool.described
    first = next((place for place, word in enumerate(words) if set(stems(word)) - topic), 0)
    return " ".join(words[first:]) if stems(" ".join(words[:first])) else text


def _listed(parameter: Parameter, text: str) -> list[Any] | None:
    items = parameter.schema.get("items", {})
    options = items.get("enum") or [o.get("const") for o in items.get("anyOf", items.get("oneOf", ()))]
    if options:
        return [option for option in options if _says(text, str(option))] or None
    if items.get("type") in ("integer", "number"):
        return [number for _, number in integers(text)] or None
    match = re.search(
        r"\b(?:interested in|interests?:?|likes?|topics?:?)\s+(.+?)(?:[.?!]|$)", text, re.IGNORECASE
    )
    return [part.strip() for part in re.split(r",|\band\b", match[1]) if part.strip()] if match else None


def _says(text: str, option: str) -> bool:
    return re.search(rf"\b{re.escape(option.lower())}\b", text.lower()) is not None


_THRESHOLD = 2.0
_FITS = 1.5
_BESIDE = 0.75
_CODE = re.compile(r"\S*[\d/@]\S*")
_ANY_DAY = dt.date(2000, 1, 1)
_EVERYDAY = frozenset(
    stems(
        "pick draw choose another one two three four five six seven eight nine ten number numbers based"
        " derived exactly right between below above under least most more than random lucky again going"
        " does did am if so too also about up time like whole new quick quickly look find know say"
        " bigger higher larger already still weekend out should over but smaller lower fewer no rather meant"
    )
)
"""Words that say nothing about what a request is for."""


def best_tool(tools: Sequence[Tool], text: str) -> Tool | None:
    """Return the tool whose name, description and parameters a text speaks of most; None when of none enough.

    Words decide whether a tool is meant at all; what the text has for its parameters decides between several.
    """
    said = stems(text)
    topics = _topics(text)
    meant = [(tool.score(said) - _BESIDE * tool.beside(said, topics), tool) for tool in tools]
    ranked = [
        (score + _FITS * len(fill(tool, text, _ANY_DAY)[0]), tool)
        for score, tool in meant
        if score >= _THRESHOLD
    ]
    return max(ranked, key=lambda entry: entry[0])[1] if ranked else None


def _topics(text: str) -> frozenset[str]:
    """Return the stems of a text without names of places or days and without everyday words."""
    for days in reversed(days_in(text, _ANY_DAY)):
        text = f"{text[: days.position]} {text[days.end :]}"
    for place in places(text):
        text = re.sub(re.escape(place), " ", text, flags=re.IGNORECASE)
    return frozenset(stems(_CODE.sub(" ", text))) - _EVERYDAY
