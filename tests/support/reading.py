"""How a model answers that knows only what it is sent.

It answers "What is the NAME?" from a sentence "the NAME is VALUE" in its request. If there is none, it looks
back by the function for that, once. It calls the tool `odd-fetch` when it is told to fetch, writes notes that
keep each sentence with "is", and says "Noted." to everything else.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["LOOK_BACK", "asks_for_note", "reading_answer"]

_QUESTION = re.compile(r"What is the ([a-z ]+)\?")
_FACT = re.compile(r"the [a-z ]{3,30} is [A-Za-z0-9]+")
_MOST_FACTS = 60
LOOK_BACK = "_conversation-look_back"


def asks_for_note(messages: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a request wants a note."""
    return str(messages[0]["content"]).startswith("Write a note")


def reading_answer(
    messages: Sequence[Mapping[str, Any]], tools: Iterable[Mapping[str, Any]]
) -> str | tuple[str, str]:
    """Return the answer to a request of Chat Completions, or the name and the arguments of a call."""
    if asks_for_note(messages):
        facts = list(dict.fromkeys(_FACT.findall(str(messages[-1]["content"]))))
        return ". ".join(facts[:_MOST_FACTS]) or "Nothing yet."
    last = next(str(m["content"]) for m in reversed(messages) if m["role"] == "user")
    answered = messages[-1]["role"] == "tool"
    asked = _QUESTION.search(last)
    if asked is None:
        return ("odd-fetch", "{}") if "Fetch" in last and not answered else "Noted."
    known = re.search(rf"the {asked[1]} is (\w+)", " ".join(str(m.get("content")) for m in messages[1:]))
    if known:
        return f"It is {known[1]}."
    if not answered and LOOK_BACK in {tool["function"]["name"] for tool in tools}:
        return LOOK_BACK, json.dumps({"find": f"the {asked[1]} is"})
    return "I do not know."
