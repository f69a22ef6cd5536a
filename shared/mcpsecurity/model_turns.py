"""Messages in the order that strict endpoints want: one system message, then person and model in turn.

Mistral refuses a person's message after a tool's result. Templates of Mistral, Gemma and Qwen, behind vLLM,
llama.cpp or LM Studio, refuse two messages of one side, and a system message later on. Both come up whenever
an answer was stopped or failed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_Json = dict[str, Any]
_SYSTEM = ("system", "developer")
_BETWEEN = "I have read the result."
"""What the model is taken to have said to a result before the person went on."""


def in_turn(messages: Iterable[Mapping[str, Any]]) -> list[_Json]:
    """Return the same messages in that order; what one side says in a row becomes one message."""
    given = [dict(message) for message in messages]
    system = [message for message in given if message["role"] in _SYSTEM]
    ordered: list[_Json] = [_merged(system)] if system else []
    for message in given:
        role, before = message["role"], ordered[-1] if ordered else {}
        if role in _SYSTEM:
            continue
        if role == "user" and before.get("role") == "tool":
            ordered.append({"role": "assistant", "content": _BETWEEN})
        if role == before.get("role") != "tool" and not before.get("tool_calls"):
            ordered[-1] = _merged([before, message])
        else:
            ordered.append(message)
    return ordered


def _merged(messages: list[_Json]) -> _Json:
    """Return messages of one side as one; the last one has its calls."""
    merged: _Json = {}
    for message in messages:
        merged |= message
    contents = [message["content"] for message in messages if message.get("content")]
    if contents and all(isinstance(content, str) for content in contents):
        merged["content"] = "\n\n".join(contents)
    elif contents:
        merged["content"] = [part for content in contents for part in _parts(content)]
    return merged


def _parts(content: Any) -> list[Any]:
    return content if isinstance(content, list) else [{"type": "text", "text": content}]
