"""Notes of a conversation, as the web chat asks a model for: the lines that were said."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_TASK = re.compile(r"^Write a note of a conversation\b.*?\bAt most (\d{1,5}) words", re.DOTALL)
_SAID = re.compile(r"^(?:The (?:person|assistant) (?:said|asked for)|Asked|Answered): .*", re.MULTILINE)
_NONE = "(none)"
_LINE = 160


def note_of(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the note that the messages ask for; None if they ask for something else.

    It has as many words as it may: when there are more, the oldest lines of all but the first give way.
    """
    first = messages[0] if messages else {}
    task = _TASK.match(_text(first)) if first.get("role") in ("system", "developer") else None
    if task is None:
        return None
    told = _text(messages[-1]).replace(_NONE, "")
    lines = [_short(line) for line in dict.fromkeys(_SAID.findall(told))]
    kept, words = lines[:1], int(task[1]) - len(" ".join(lines[:1]).split())
    for line in reversed(lines[1:]):
        words -= len(line.split())
        if words < 0:
            break
        kept.insert(1, line)
    return "\n".join(kept) or "Nothing was said."


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    return "\n".join(str(part.get("text")) for part in parts if part.get("text"))


def _short(line: str) -> str:
    line = line.replace("The person said: ", "Asked: ").replace("The assistant said: ", "Answered: ")
    return line if len(line) <= _LINE else f"{line[:_LINE]} …"
