"""What the model says next, word for word: for answers that the offline model does not give."""

from collections.abc import Iterator
from typing import Any

import pytest

from mcpsecurity.localcloud.openai import responses, routes, wire

__all__ = ["Script", "call", "refuses", "says"]


class Script:
    """Answers to the next requests, in order; the offline model answers those after them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._turns: list[list[dict[str, Any]]] = []
        self._offline, self._offline_events = wire.chunks, responses.events
        monkeypatch.setattr(routes, "chunks", self._chunks)
        monkeypatch.setattr(routes, "events", self._events)

    def will(self, *turns: list[dict[str, Any]]) -> None:
        """Add answers, made by `says` and `call`."""
        self._turns += turns

    def _chunks(self, reply: Any, model: str, usage: Any) -> Iterator[dict[str, Any]]:
        if not self._turns:
            yield from self._offline(reply, model, usage)
            return
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": model}
        for part in self._turns.pop(0):
            yield {**head, **part}

    def _events(self, reply: Any, model: str, usage: Any, reasoning: Any) -> Iterator[dict[str, Any]]:
        if not self._turns:
            yield from self._offline_events(reply, model, usage, reasoning)
            return
        yield from _as_responses(self._turns.pop(0), model)


def _as_responses(parts: list[dict[str, Any]], model: str) -> Iterator[dict[str, Any]]:
    """Yield an answer of Chat Completions as the Responses API would stream it."""
    reason, usage = "stop", None
    yield {"type": "response.created", "response": {"model": model, "status": "in_progress"}}
    for part in parts:
        usage = part.get("usage") or usage
        for choice in part["choices"]:
            yield from _delta_events(choice["delta"])
            reason = choice["finish_reason"] or reason
    response: dict[str, Any] = {"model": model, "status": "completed"}
    if usage is not None:
        response["usage"] = {
            "input_tokens": usage.get("prompt_tokens"),
            "output_tokens": usage.get("completion_tokens"),
        }
    if reason in ("stop", "tool_calls"):
        yield {"type": "response.completed", "response": response}
        return
    details = {"reason": {"length": "max_output_tokens"}.get(reason, reason)}
    ended = response | {"status": "incomplete", "incomplete_details": details}
    yield {"type": "response.incomplete", "response": ended}


def _delta_events(delta: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if delta.get("content"):
        yield {"type": "response.output_text.delta", "delta": delta["content"]}
    if delta.get("refusal"):
        yield {"type": "response.refusal.delta", "delta": delta["refusal"]}
    for made in delta.get("tool_calls", ()):
        item = {"type": "function_call", "call_id": made["id"], **made["function"]}
        yield {"type": "response.output_item.done", "output_index": made["index"], "item": item}


def says(text: str, finish: str = "stop", *, usage: dict[str, int] | None = None) -> list[dict[str, Any]]:
    """Return an answer in words; without `usage` none is reported."""
    start = {"role": "assistant", "content": ""}
    parts = [_choice(start), *([_choice({"content": text})] if text else []), _choice({}, finish)]
    return parts + ([{"choices": [], "usage": usage}] if usage is not None else [])


def call(function: str, arguments: str) -> list[dict[str, Any]]:
    """Return a call with arguments that are exactly this text."""
    made = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": function, "arguments": arguments},
    }
    return [_choice({"role": "assistant", "content": None, "tool_calls": [made]}), _choice({}, "tool_calls")]


def _choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def refuses(words: str) -> list[dict[str, Any]]:
    """Return an answer that is a refusal."""
    return [_choice({"role": "assistant", "content": None, "refusal": words}), _choice({}, "stop")]
