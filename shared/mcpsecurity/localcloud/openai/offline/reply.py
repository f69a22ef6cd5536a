"""The model's turn: read the conversation, and either call tools or answer."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcpsecurity.localcloud.openai.offline.plan import Step, plan
from mcpsecurity.localcloud.openai.offline.tools import Tool
from mcpsecurity.localcloud.openai.offline.wording import (
    ask_for,
    cannot,
    greeting,
    summary,
    trouble,
    value_of,
)

__all__ = ["Reply", "ToolCall", "reply_to"]

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|good (?:morning|day|evening)|help|what can you do|who are you)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class ToolCall:
    """A call that the model wants: the tool's name on the wire and its arguments."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """Either text or calls."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


def reply_to(messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool], today: dt.date) -> Reply:
    """Return the model's turn for a conversation in the shape of the chat-completions API."""
    prompts = [(i, _text(m)) for i, m in enumerate(messages) if m.get("role") == "user"]
    if not prompts:
        return Reply(greeting(tools))
    position, prompt = prompts[-1]
    rounds = _rounds(messages[position + 1 :])
    steps = plan(prompt, [text for _, text in prompts[:-1]], tools, today)
    if not steps and not rounds:
        return Reply(greeting(tools) if _GREETING.match(prompt) else cannot(tools))
    return _next(steps, rounds, tools)


def _next(steps: list[Step], rounds: list[list[tuple[str, str]]], tools: Sequence[Tool]) -> Reply:
    done = [result for results in rounds for result in results]
    by_name = {tool.name: tool for tool in tools}
    results = [(by_name.get(name, Tool(name, "")), content) for name, content in done]
    stopped = any(trouble(content) is not None for _, content in done)
    if len(rounds) >= len(steps) or (stopped and _needs_results(steps[len(rounds)])):
        return Reply(summary(results) if results else cannot(tools))
    step = steps[len(rounds)]
    if step.missing:
        return Reply("\n\n".join(filter(None, [summary(results), ask_for(step.tool, step.missing)])))
    values = [value_of(content) for _, content in done if trouble(content) is None]
    return Reply(calls=tuple(ToolCall(step.tool.name, _with(step, a, values)) for a in step.arguments))


def _needs_results(step: Step) -> bool:
    return step.spans is not None or step.passes is not None


def _with(step: Step, arguments: dict[str, Any], values: list[Any]) -> dict[str, Any]:
    """Return the arguments with what earlier results give."""
    filled = dict(arguments)
    numbers = [n for value in values for n in _numbers(value)]
    if step.spans is not None and len(numbers) >= 2:
        low, high = min(numbers), max(numbers)
        filled |= {step.spans[0]: low, step.spans[1]: high if high > low else low + 1}
    if step.passes is not None and values:
        filled[step.passes] = _moment(values[-1])
    return filled


def _numbers(value: Any) -> list[int]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in _numbers(item)][:1]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def _moment(value: Any) -> str:
    """Return the date and time in a result, wherever it stands."""
    found = re.search(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?", str(value))
    return found[0] if found else str(value)


def _rounds(messages: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    """Return the calls since the last prompt with their results: a list for each time the model called."""
    rounds: list[list[tuple[str, str]]] = []
    contents = {m.get("tool_call_id"): _text(m) for m in messages if m.get("role") == "tool"}
    for message in messages:
        calls = message.get("tool_calls") if message.get("role") == "assistant" else None
        if calls:
            rounds.append([(c["function"]["name"], contents.get(c["id"], "Error: no result")) for c in calls])
    return rounds


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return str(content or "")
