"""Sentences about tools, and about calls that gave nothing."""

import re
from collections.abc import Sequence

from mcpsecurity.localcloud.openai.offline.languages import Language, join_words, phrase, term
from mcpsecurity.localcloud.openai.offline.tools import Tool

_MISSING = re.compile(r"^still missing: ([\w, ]+)\.|^(\w+) is missing\b", re.IGNORECASE)
"""What a tool says when it was not given all that it needs."""


def trouble(content: str) -> str | None:
    """Return what a result says went wrong: declined, expired, cancelled, or the error's text; else None."""
    begins = (
        "Error",
        "An error occurred",
        "The person",
        "The call",
        "The user",
        "There was no answer in time",
    )
    if not content.startswith(begins):
        return None
    if re.search(r"\bexpired\b|\bin time\b", content, re.IGNORECASE):
        return "expired"
    if re.search(r"\bdeclined\b|\bdid not approve\b", content, re.IGNORECASE):
        return "declined"
    if re.search(r"\bcancell?ed\b", content, re.IGNORECASE):
        return "cancelled"
    return (
        re.sub(
            r"^(?:Error|An error occurred)\b:?\s*"
            r"(?:(?:Error )?(?:executing tool|while invoking the function) [\w-]+:\s*)?",
            "",
            content,
        ).strip()
        or "unknown error"
    )


def trouble_text(tool: Tool, content: str, problem: str, language: Language) -> str:
    """Return a sentence about a call that gave nothing."""
    if problem not in ("declined", "expired", "cancelled"):
        if missing := _MISSING.search(problem):
            names = re.split(r",\s*|\s+and\s+", missing[1] or missing[2])
            return ask_for(tool, [name for name in names if name], language)
        return phrase("problem", language, tool=tool.plain_name, problem=problem)
    said = phrase(problem, language, tool=tool.plain_name, act=_act(tool))
    reason = None if problem == "expired" else re.search(r"Their reason: (.+)", content, re.DOTALL)
    return f"{said} {phrase('reason', language, reason=reason[1].strip())}" if reason else said


def _act(tool: Tool) -> str:
    """Return words for a refused action: "erase any files", "get the random number"."""
    if tool.acts:
        several = "any" if tool.noun.endswith("s") else "the"
        return f"{tool.verb} {several} {tool.noun}" if tool.noun != tool.verb else tool.verb
    return f"get the {tool.noun}"


def greeting(tools: Sequence[Tool], language: Language = "en") -> str:
    """Return what the model says about itself."""
    if not tools:
        return phrase("hello_alone", language)
    return f"{phrase('hello', language)}\n\n{_offers(tools)}"


def list_tools(tools: Sequence[Tool], language: Language) -> str:
    """Return the tools, with what each needs."""
    if not tools:
        return phrase("no_tools", language)
    lines = []
    for tool in tools:
        needed = [_label(p.name) for p in tool.parameters if p.required]
        may = [_label(p.name) for p in tool.parameters if not p.required]
        says = [phrase("needs", language, names=join_words(needed, language))] if needed else []
        says += [phrase("may", language, names=join_words(may, language))] if may else []
        ending = f" ({'; '.join(says)})" if says else ""
        lines.append(f"- **{_label(tool.plain_name)}**: {_first_sentence(tool.description)}{ending}")
    return f"{phrase('tools', language)}\n\n" + "\n".join(lines)


def describe_tool(tool: Tool, language: Language) -> str:
    """Return what one tool does, and what it takes."""
    head = f"**{_label(tool.plain_name)}**: {_first_sentence(tool.description)}"
    lines = [
        f"- {_label(p.name)} ({phrase('needed' if p.required else 'optional', language)})"
        + (f": {p.schema['description']}" if p.schema.get("description") else "")
        for p in tool.parameters
    ]
    return f"{head}\n\n" + ("\n".join(lines) or phrase("needs_nothing", language))


def cannot(tools: Sequence[Tool], language: Language = "en") -> str:
    """Return a plain refusal."""
    if not tools:
        return phrase("cannot_alone", language)
    names = list(dict.fromkeys(f"*{term(tool.noun, language)}*" for tool in tools))
    return phrase("cannot", language, names=join_words(names, language))


def ask_for(tool: Tool, missing: Sequence[str], language: Language = "en") -> str:
    """Return a question for what a tool needs."""
    names = join_words([_label(name) for name in missing], language)
    return phrase("ask_for", language, tool=tool.plain_name, names=names)


def _offers(tools: Sequence[Tool]) -> str:
    return "\n".join(f"- **{_label(t.plain_name)}**: {_first_sentence(t.description)}" for t in tools)


def _label(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")


def _first_sentence(text: str) -> str:
    return text.strip().split("\n")[0].partition(". ")[0].rstrip(".") + "."
