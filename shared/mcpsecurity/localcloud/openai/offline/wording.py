"""Results in sentences, and what to say when there are none."""

import json
import re
from collections.abc import Sequence
from typing import Any

from mcpsecurity.localcloud.openai.offline.tools import Tool
from mcpsecurity.localcloud.openai.offline.words import join_and

__all__ = ["ask_for", "cannot", "greeting", "summary", "trouble", "value_of"]

_ROWS = 10


def value_of(content: str) -> Any:
    """Return a tool's result: JSON if it is some, with the wrapping of a single value taken off."""
    try:
        value = json.loads(content)
    except ValueError:
        return content
    return value["result"] if isinstance(value, dict) and set(value) == {"result"} else value


def trouble(content: str) -> str | None:
    """Return what a result says went wrong: declined, expired, cancelled, or the error's text; else None."""
    if content.startswith("There was no answer in time"):
        return "expired"
    if not content.startswith(("Error", "The person", "The call", "The user")):
        return None
    if re.search(r"\bdeclined\b", content, re.IGNORECASE):
        return "declined"
    if re.search(r"\bcancell?ed\b|\bexpired\b|\bin time\b", content, re.IGNORECASE):
        return "cancelled"
    return re.sub(r"^(?:Error:?\s*)+(?:executing tool \w+:\s*)?", "", content).strip() or "unknown error"


def summary(results: Sequence[tuple[Tool, str]]) -> str:
    """Return an answer made of all results, those of the same tool together."""
    parts: list[str] = []
    by_tool: dict[str, list[tuple[Tool, str]]] = {}
    for tool, content in results:
        by_tool.setdefault(tool.name, []).append((tool, content))
    for group in by_tool.values():
        parts += _group(group[0][0], [content for _, content in group])
    return "\n\n".join(parts)


def _group(tool: Tool, contents: list[str]) -> list[str]:
    good = [value_of(content) for content in contents if trouble(content) is None]
    said = [_trouble_text(tool, problem) for content in contents if (problem := trouble(content)) is not None]
    plain = [value for value in good if not isinstance(value, dict | list)]
    rich = [value for value in good if isinstance(value, dict | list)]
    sentences = [_sentence(tool, plain)] if plain else []
    sentences += [f"Here is the {tool.noun}:\n\n{_render(value)}" for value in rich]
    return sentences + list(dict.fromkeys(said))


def _sentence(tool: Tool, values: list[Any]) -> str:
    shown = [f"**{value}**" for value in values]
    if len(values) == 1:
        text = str(values[0])
        return text if len(text) > 60 or "\n" in text else f"The {tool.noun} is {shown[0]}."
    return f"The {tool.noun}{'' if tool.noun.endswith('s') else 's'} are {join_and(shown)}."


def _trouble_text(tool: Tool, problem: str) -> str:
    if problem == "declined":
        return f"You declined the call of `{tool.plain_name}`, so I cannot tell the {tool.noun}."
    if problem == "expired":
        return f"There was no answer in time, so `{tool.plain_name}` was not run."
    if problem == "cancelled":
        return f"The call of `{tool.plain_name}` was cancelled, so I cannot tell the {tool.noun}."
    return f"The tool `{tool.plain_name}` reported a problem: {problem}"


def _render(value: Any) -> str:
    if isinstance(value, dict):
        return _render_object(value)
    if value and all(isinstance(item, dict) for item in value):
        return _table(value)
    return "\n".join(f"- {item}" for item in value[:_ROWS]) or "Nothing."


def _render_object(value: dict[str, Any]) -> str:
    shown = {k: v for k, v in value.items() if v not in (None, {}) and not isinstance(v, list)}
    lines = [f"- {_label(name)}: {_inline(item)}" for name, item in shown.items()]
    blocks = ["\n".join(lines)] if lines else []
    blocks += [_render(v) for v in value.values() if isinstance(v, list) and v]
    return "\n\n".join(blocks) or "Nothing."


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_label(name)} **{item}**" for name, item in value.items())
    return f"**{value}**"


def _table(rows: list[dict[str, Any]]) -> str:
    columns = list(rows[0])[:6]
    head = f"| {' | '.join(_label(c) for c in columns)} |\n|{'---|' * len(columns)}"
    body = [f"| {' | '.join(str(row.get(c, '')) for c in columns)} |" for row in rows[:_ROWS]]
    return "\n".join([head, *body])


def _label(name: str) -> str:
    return name.replace("_", " ")


def greeting(tools: Sequence[Tool]) -> str:
    """Return what the model says about itself."""
    if not tools:
        return "Hello. I am the offline model, a small set of rules. No tools are connected at the moment."
    offers = "\n".join(f"- **{_label(t.plain_name)}**: {_first_sentence(t.description)}" for t in tools)
    return f"Hello. I am the offline model, a small set of rules. The tools here can help with:\n\n{offers}"


def cannot(tools: Sequence[Tool]) -> str:
    """Return a plain refusal."""
    if not tools:
        return "I cannot do that: I am the offline model, a small set of rules, and no tools are connected."
    names = join_and([f"*{_label(tool.noun)}*" for tool in tools])
    return (
        "I cannot do that. I am the offline model: I find tools for a request and put their results into "
        f"words, nothing more. The tools here are about {names}."
    )


def ask_for(tool: Tool, missing: Sequence[str]) -> str:
    """Return a question for what a tool needs."""
    return f"To use `{tool.plain_name}` I need to know: {join_and([_label(name) for name in missing])}."


def _first_sentence(text: str) -> str:
    return text.strip().split("\n")[0].partition(". ")[0].rstrip(".") + "."
