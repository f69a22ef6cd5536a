"""From a prompt to steps. A step is calls that can run side by side; a later one may need earlier results."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mcpsecurity.localcloud.openai.offline.chance import Chance, chance_in
from mcpsecurity.localcloud.openai.offline.dates import DateQuestion, Days, date_question, days_in
from mcpsecurity.localcloud.openai.offline.extract import count_before, places, range_of, time_zones
from mcpsecurity.localcloud.openai.offline.fill import best_tool, fill
from mcpsecurity.localcloud.openai.offline.prompt_words import NUMBER_WORDS, integers, stems
from mcpsecurity.localcloud.openai.offline.tools import Parameter, Tool

_LOW, _HIGH = ("min", "minimum", "lower", "low"), ("max", "maximum", "upper", "high")
_AGAIN = re.compile(
    r"^\s*(?:and|another|again|one more|once more|same|what about|how about|now|also|more|or)\b",
    re.IGNORECASE,
)
_MOST_CALLS = 20
_MEANT = re.compile(
    r"^\W*(?:(?:no|nope|sorry|oops|wait|actually|rather|i mean(?:t)?|make (?:it|that)|better)\b\W*)+(?=\w)",
    re.IGNORECASE,
)
"""How a correction of the last request begins."""
_NOT_THAT = re.compile(r",?\s*\b(?:and )?not\s+(?:in\s+)?[^\W\d_]+\W*$", re.IGNORECASE)
_WHICH = re.compile(r"\b(?:which|where|what|who)\b.*\b(?:warm|hott?|cold|cool)(?:er|est)\b", re.IGNORECASE)
"""A question that compares the places of earlier requests."""
_MOST_COMPARED = 6
_ABOUT_ME = re.compile(
    r"\babout me\b|\bmy (?:own )?(?:name|account|e-?mail|user ?name|roles?|permissions?|rights)\b"
    r"|\b(?:roles?|permissions?|rights) do i have\b"
    r"|\bdo i have (?:\w+ )?(?:roles?|permissions?|rights)\b|\bam i (?:an? )?admin(?:istrator)?\b",
    re.IGNORECASE,
)
"""Questions about the person, which what knows who they are answers."""
_CALENDAR = re.compile(r"^\W*(?:what|which) (?:year|month) (?:is it|are we in|do we have)\b", re.IGNORECASE)
"""Questions that the answer to "what day is it" answers."""
_CHANCE = re.compile(r"dice|die\b|coin|roll|flip|toss", re.IGNORECASE)
"""What a tool is called that throws dice or coins itself."""
_SAME_THING = re.compile(r"\b(?:it|that|there|then)\b", re.IGNORECASE)
_IN_UNITS = re.compile(r"^\W*(?:and )?(?:now )?in (?:degrees )?(?:fahrenheit|celsius)\W*$", re.IGNORECASE)
_ONE_MORE = re.compile(r"\b(?:another|one more|once more)\b", re.IGNORECASE)
_NOT_OF_A_CLOCK = re.compile(
    r"\b(?:dates?|days?) of (?!the week\b|today\b|the month\b)"
    r"|\btimes? (?:do|does|will|should|did|is the|are the)\b",
    re.IGNORECASE,
)
"""Questions that have a clock's words, and that a clock does not answer."""
_EARLIER = re.compile(
    r"\b(?:first (?:two|one)|those|these|them|previous|results?|of both|that range|the two)\b", re.IGNORECASE
)
_FROM_NOW = re.compile(
    r"\b(?:based on|from|using|seeded (?:by|with)|with)\s+(?:the\s+)?(?:current|today'?s|present)\s+"
    r"(?:date|time|day)", re.IGNORECASE
)  # fmt: skip


@dataclass(frozen=True)
class About:
    """What a clause of a prompt is about, which decides how a result is told.

    Attributes:
        text: the clause.
        days: the days that it names.
        chance: dice or coins that the numbers are.
        question: what the calendar is asked.
    """

    text: str = ""
    days: tuple[Days, ...] = ()
    chance: Chance | None = None
    question: DateQuestion | None = None


@dataclass
class Step:
    """Calls of one tool.

    Attributes:
        tool, arguments: the tool is called once for each of the arguments.
        spans: the two parameters that the least and greatest earlier numbers go into.
        passes: the parameter that the earlier result goes into.
        missing: required parameters that the prompt has nothing for.
        unknown: a place whose time zone is not known, though the tool takes one.
        about: what the prompt is about.
    """

    tool: Tool
    arguments: list[dict[str, Any]]
    spans: tuple[Parameter, Parameter] | None = None
    passes: str | None = None
    missing: list[str] = field(default_factory=list)
    unknown: str | None = None
    about: About = About()


def plan(text: str, earlier: Sequence[str], tools: Sequence[Tool], today: dt.date) -> list[Step]:
    """Return the steps that a prompt asks for; none when no tool fits.

    `earlier` are the prompts before it, for "and in Paris?" and "another one".
    """
    text = _meant_instead(text, today) if earlier else text
    if (question := date_question(text, today)) and (clock := _clock(tools)):
        return [Step(clock, [{}], about=About(text, question=question))]
    if compared := _compared(text, earlier, tools, today):
        return [compared]
    steps: list[Step] = []
    for clause in (part for whole in _clauses(text) for part in _by_tool(whole, tools)):
        chance, meant = _chance(clause, tools), _meant(clause, tools)
        goes_on = (_AGAIN.match(clause) and _changes(clause)) or _only_days(clause, today)
        if goes_on and not steps and (found := _again(clause, earlier, tools, today)):
            steps += found
            continue
        tool = None if _only_count(clause) else _tool_for(meant, tools, steps)
        if tool is not None:
            found = [
                replace(step, about=replace(step.about, chance=chance))
                for step in _steps(tool, meant, tools, today)
            ]
            steps += [_going_on(found[0], clause, earlier, tools, today), *found[1:]] if not steps else found
        elif not steps and _is_about_before(clause, today):
            steps += _again(clause, earlier, tools, today)
    return steps


def _meant_instead(text: str, today: dt.date) -> str:
    """Return a correction of the last request ("sorry, I meant Rome") as "and Rome"; others as they are."""
    rest = _NOT_THAT.sub("", _MEANT.sub("", text))
    if rest == text or not (_changes(rest) or _only_count(rest) or _only_names(rest, today)):
        return text
    return f"and {rest}"


def _chance(clause: str, tools: Sequence[Tool]) -> Chance | None:
    """Return the dice or coins that a clause asks for, unless a tool throws them itself."""
    return None if any(_CHANCE.search(tool.plain_name) for tool in tools) else chance_in(clause)


def _meant(clause: str, tools: Sequence[Tool]) -> str:
    """Return a clause in the words that tools are found by."""
    if _ABOUT_ME.search(clause):
        return f"who am i: {clause}"
    if _CALENDAR.search(clause):
        return "what day is it"
    chance = _chance(clause, tools)
    return chance.as_numbers if chance is not None else clause


def _going_on(step: Step, clause: str, earlier: Sequence[str], tools: Sequence[Tool], today: dt.date) -> Step:
    """Return a step of a clause like "and the wind?" with what the step before it was about."""
    goes_on = _AGAIN.match(clause) or _SAME_THING.search(clause) or _place_parameter(step.tool)
    if any(step.arguments) or not goes_on:
        return step
    before = _again("again", earlier, tools, today)
    if not before or before[0].tool is not step.tool:
        return step
    days = step.about.days or before[0].about.days
    about = replace(step.about, days=days)
    return replace(step, arguments=before[0].arguments, missing=[], about=about)


def _place_parameter(tool: Tool) -> Parameter | None:
    """Return the parameter for a place, which stays the same until another one is named."""
    return next((p for p in tool.parameters if p.parts & {"city", "location", "place"}), None)


def _compared(text: str, earlier: Sequence[str], tools: Sequence[Tool], today: dt.date) -> Step | None:
    """Return a step for "which is warmer?" after the places of earlier requests."""
    if not _WHICH.search(text) or places(text):
        return None
    begin = max(0, len(earlier) - _MOST_COMPARED)
    asked = [
        step for n in range(begin, len(earlier)) for step in plan(earlier[n], earlier[begin:n], tools, today)
    ]
    named = [step for step in asked if _place_parameter(step.tool) and any(step.arguments)]
    found = [a for step in named if step.tool is named[-1].tool for a in step.arguments]
    different = list({str(arguments): arguments for arguments in found}.values())
    if len(different) < 2:
        return None
    return Step(named[-1].tool, different[-_MOST_CALLS:], about=About(text))


def _is_about_before(clause: str, today: dt.date) -> bool:
    """Return whether a clause only changes the earlier request."""
    said = _AGAIN.match(clause) or _IN_UNITS.match(clause)
    return bool(said) or _only_count(clause) or _only_names(clause, today) or _changes(clause)


def _only_count(clause: str) -> bool:
    """Return whether a clause says how many and nothing else: "and now five", "no, 3 of them"."""
    besides = r"\b(?:and|now|then|please|do|make (?:it|that)|with|no|of them|times|instead|i want)\b"
    rest = re.sub(besides, "", clause, flags=re.IGNORECASE).strip(" ?!.,")
    return rest.isdigit() or rest.lower() in NUMBER_WORDS


def _changes(clause: str) -> bool:
    """Return whether a clause changes a range that was asked for: "make it smaller than 50"."""
    said = range_of(clause)
    return said.low is not None or said.high is not None


def _only_names(clause: str, today: dt.date) -> bool:
    """Return whether a clause is a place or a day and nothing else: "Geneva?", "tomorrow?"."""
    return len(clause.split()) <= 3 and bool(places(clause) or days_in(clause, today))


def _only_days(clause: str, today: dt.date) -> bool:
    """Return whether a clause names days and nothing else: "and the day after tomorrow?"."""
    days = days_in(clause, today)
    for each in reversed(days):
        clause = f"{clause[: each.position]} {clause[each.end :]}"
    return bool(days) and not re.sub(
        r"\b(?:and|or|then|on|for|the|what about|how about)\b|\W", "", clause.lower()
    )


def _clock(tools: Sequence[Tool]) -> Tool | None:
    """Return the tool that tells the date without being told anything."""
    clocks = [tool for tool in tools if not any(p.required for p in tool.parameters)]
    clocks = [tool for tool in clocks if {"current", "date"} <= tool.words | tool.described]
    clocks = [tool for tool in clocks if _date_parameter(tool) is None]
    return max(clocks, key=lambda tool: tool.score(["current", "date", "time"]), default=None)


def _clauses(text: str) -> list[str]:
    parts = re.split(r"(?:[,;.]|\band\b)?\s*\b(?:and then|then|after that|afterwards)\b,?|[.!?;]\s+|\n", text)
    return [part.strip() for part in parts if part and part.strip()]


def _by_tool(clause: str, tools: Sequence[Tool]) -> list[str]:
    """Split a clause where it goes on to another tool: "the weather in Oslo and the time in Tokyo"."""
    first, *rest = re.split(r"\s*\band\b\s*", clause)
    found = [first]
    for part in rest:
        tool, current = (best_tool(tools, _meant(each, tools)) for each in (part, found[-1]))
        thrown, before = _chance(part, tools), _chance(found[-1], tools)
        other = thrown is not None and (before is None or before.kind != thrown.kind)  # numbers, dice, coins
        moves_on = tool is not None and current is not None and (tool is not current or other)
        if moves_on and len(stems(part)) > 1 and not _EARLIER.search(part):
            found.append(part)
        else:
            found[-1] += f" and {part}"
    return found


def _tool_for(clause: str, tools: Sequence[Tool], steps: Sequence[Step]) -> Tool | None:
    found = best_tool(tools, clause)
    clock = found is not None and found is _clock(tools)
    if clock and (_NOT_OF_A_CLOCK.search(clause) or _changes(clause)):
        return None
    if (
        found is None
        and steps
        and re.search(r"\b(?:another|third|fourth|one more|next one|last)\b", clause, re.IGNORECASE)
    ):
        return steps[-1].tool
    return found


def _again(clause: str, earlier: Sequence[str], tools: Sequence[Tool], today: dt.date) -> list[Step]:
    """Return the earlier request with the changes of the clause."""
    for number in range(len(earlier) - 1, -1, -1):
        if before := plan(earlier[number], earlier[:number], tools, today):
            last = before[-1]
            new = [arguments for arguments in fill(last.tool, clause, today) if arguments]
            days = tuple(days_in(clause, today))
            once = last.arguments[:1] if _ONE_MORE.search(clause) else last.arguments
            if _only_count(clause) and (counted := integers(clause)):
                once = last.arguments[:1] * max(1, min(counted[0][1], _MOST_CALLS))
            kept = {} if _changes(clause) else last.arguments[0]
            arguments = [{**kept, **changed} for changed in new] or once
            question = last.about.question
            if question is not None and days:
                question = replace(question, ahead=days[0].first - today)
            text = f"{last.about.text} {clause}"
            about = replace(last.about, text=text, days=days or last.about.days, question=question)
            return [replace(last, arguments=arguments, about=about)]
    return []


def _steps(tool: Tool, clause: str, tools: Sequence[Tool], today: dt.date) -> list[Step]:
    if _FROM_NOW.search(clause) and (chained := _from_now(clause, tools)):
        return chained
    arguments = fill(tool, clause, today)
    if len(arguments) == 1:
        arguments *= count_before(clause, tool.words)
    return [
        Step(
            tool,
            arguments,
            spans=_spans(tool, clause),
            missing=_missing(tool, arguments),
            unknown=_unknown_zone(tool, clause),
            about=About(clause, tuple(days_in(clause, today))),
        )
    ]


def _unknown_zone(tool: Tool, clause: str) -> str | None:
    """Return the place whose time zone the tool needs and the model does not know."""
    by_zone = any({"zone", "timezone", "tz"} & p.parts for p in tool.parameters)
    by_place = any({"city", "location", "place"} & p.parts for p in tool.parameters)
    named = places(clause) if by_zone and not by_place else []
    return named[0] if named and not time_zones(clause) else None


def _from_now(clause: str, tools: Sequence[Tool]) -> list[Step] | None:
    """Return two steps: find out the date, then use it."""
    takers = [t for t in tools if _date_parameter(t) and t.score(stems(clause)) > 0]
    taker = max(takers, key=lambda t: t.score(stems(clause)), default=None)
    clock = _clock([tool for tool in tools if tool not in takers])
    if taker is None or clock is None:
        return None
    parameter = _date_parameter(taker)
    return [
        Step(clock, [{}], about=About(clause)),
        Step(taker, [{}], passes=parameter.name if parameter else None, about=About(clause)),
    ]


def _date_parameter(tool: Tool) -> Parameter | None:
    dated = {"date", "datetime", "time", "day"}
    strings = [p for p in tool.parameters if p.type == "string" and "zone" not in p.parts]
    return next((p for p in strings if p.parts & dated), None)


def _spans(tool: Tool, clause: str) -> tuple[Parameter, Parameter] | None:
    """Return the two parameters that earlier results are the ends of."""
    if not _EARLIER.search(clause):
        return None
    low = next((p for p in tool.parameters if p.name.lower() in _LOW), None)
    high = next((p for p in tool.parameters if p.name.lower() in _HIGH), None)
    return (low, high) if low and high else None


def _missing(tool: Tool, arguments: list[dict[str, Any]]) -> list[str]:
    return [p.name for p in tool.parameters if p.required and p.name not in arguments[0]]
