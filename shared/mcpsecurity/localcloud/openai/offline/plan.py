"""From a prompt to steps. A step is calls that can run side by side; a later one may need earlier results."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mcpsecurity.localcloud.openai.offline.extract import count_before
from mcpsecurity.localcloud.openai.offline.fill import fill
from mcpsecurity.localcloud.openai.offline.match import best_tool
from mcpsecurity.localcloud.openai.offline.tools import Parameter, Tool
from mcpsecurity.localcloud.openai.offline.words import stems

__all__ = ["Step", "plan"]

_LOW, _HIGH = ("min", "minimum", "lower", "low"), ("max", "maximum", "upper", "high")
_AGAIN = re.compile(
    r"^\s*(?:and|another|again|one more|once more|same|what about|how about|now|also|more)\b", re.IGNORECASE
)
_EARLIER = re.compile(
    r"\b(?:first (?:two|one)|those|these|them|previous|results?|of both|that range|the two)\b", re.IGNORECASE
)
_FROM_NOW = re.compile(
    r"\b(?:based on|from|using|seeded (?:by|with)|with)\s+(?:the\s+)?(?:current|today'?s|present)\s+"
    r"(?:date|time|day)", re.IGNORECASE
)  # fmt: skip


@dataclass
class Step:
    """Calls of one tool.

    `spans` names the two parameters that the least and greatest earlier numbers go into, `passes` the one
    that the earlier result goes into.
    """

    tool: Tool
    arguments: list[dict[str, Any]]
    spans: tuple[str, str] | None = None
    passes: str | None = None
    missing: list[str] = field(default_factory=list)


def plan(text: str, earlier: Sequence[str], tools: Sequence[Tool], today: dt.date) -> list[Step]:
    """Return the steps that a prompt asks for; none when no tool fits.

    `earlier` are the prompts before it, for "and in Paris?" and "another one".
    """
    steps: list[Step] = []
    for clause in (part for whole in _clauses(text) for part in _by_tool(whole, tools)):
        tool, meant = _tool_for(clause, tools, steps), clause
        if tool is None and _AGAIN.match(clause) and not steps:
            tool, meant = _again(clause, earlier, tools)
        if tool is not None:
            steps += _steps(tool, meant, tools, today)
    return steps


def _clauses(text: str) -> list[str]:
    parts = re.split(r"(?:[,;.]|\band\b)?\s*\b(?:and then|then|after that|afterwards)\b,?|[.!?;]\s+|\n", text)
    return [part.strip() for part in parts if part and part.strip()]


def _by_tool(clause: str, tools: Sequence[Tool]) -> list[str]:
    """Split a clause where it goes on to another tool: "the weather in Oslo and the time in Tokyo"."""
    first, *rest = re.split(r"\s*\band\b\s*", clause)
    found = [first]
    for part in rest:
        tool, current = best_tool(tools, part), best_tool(tools, found[-1])
        moves_on = tool is not None and current is not None and tool is not current
        if moves_on and len(stems(part)) > 1 and not _EARLIER.search(part):
            found.append(part)
        else:
            found[-1] += f" and {part}"
    return found


def _tool_for(clause: str, tools: Sequence[Tool], steps: Sequence[Step]) -> Tool | None:
    found = best_tool(tools, clause)
    if (
        found is None
        and steps
        and re.search(r"\b(?:another|third|fourth|one more|next one|last)\b", clause, re.IGNORECASE)
    ):
        return steps[-1].tool
    return found


def _again(clause: str, earlier: Sequence[str], tools: Sequence[Tool]) -> tuple[Tool | None, str]:
    """Return what was asked before, with what the clause changes about it."""
    for text in reversed(earlier):
        tool = best_tool(tools, text)
        if tool is not None:
            new = fill(tool, clause, dt.date.min)[0]
            return tool, clause if new else re.sub(
                r"\b(?:\d+|two|three|four|five)\s+(?=random|more)", "", text
            )
    return None, clause


def _steps(tool: Tool, clause: str, tools: Sequence[Tool], today: dt.date) -> list[Step]:
    if _FROM_NOW.search(clause) and (chained := _from_now(clause, tools)):
        return chained
    arguments = fill(tool, clause, today)
    if len(arguments) == 1:
        arguments *= count_before(clause, tool.words)
    return [Step(tool, arguments, spans=_spans(tool, clause), missing=_missing(tool, arguments))]


def _from_now(clause: str, tools: Sequence[Tool]) -> list[Step] | None:
    """Return two steps: find out the date, then use it."""
    takers = [t for t in tools if _date_parameter(t) and t.score(stems(clause)) > 0]
    clocks = [
        t for t in tools if {"date"} <= t.words | t.described and not any(p.required for p in t.parameters)
    ]
    clocks = [t for t in clocks if t not in takers and "current" in t.words | t.described]
    taker = max(takers, key=lambda t: t.score(stems(clause)), default=None)
    if taker is None or not clocks:
        return None
    clock = max(clocks, key=lambda t: t.score(["current", "dat", "date", "time"]))
    parameter = _date_parameter(taker)
    return [Step(clock, [{}]), Step(taker, [{}], passes=parameter.name if parameter else None)]


def _date_parameter(tool: Tool) -> Parameter | None:
    dated = {"date", "datetime", "time", "day"}
    strings = [p for p in tool.parameters if p.type == "string" and "zone" not in p.parts]
    return next((p for p in strings if p.parts & dated), None)


def _spans(tool: Tool, clause: str) -> tuple[str, str] | None:
    """Return the two parameters that earlier results are the ends of."""
    if not _EARLIER.search(clause):
        return None
    low = next((p.name for p in tool.parameters if p.name.lower() in _LOW), None)
    high = next((p.name for p in tool.parameters if p.name.lower() in _HIGH), None)
    return (low, high) if low and high else None


def _missing(tool: Tool, arguments: list[dict[str, Any]]) -> list[str]:
    return [p.name for p in tool.parameters if p.required and p.name not in arguments[0]]
