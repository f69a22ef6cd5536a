"""The Chat Completions API: requests from a chat history, and its stream.

Azure: `POST {resource}/openai/v1/chat/completions`; everybody else: `POST {base}/chat/completions`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity.kernel.model.answer import Answer, Call, Usage
from mcpsecurity.kernel.model.pictures import picture_parts

__all__ = ["UNWANTED", "read", "request"]

UNWANTED: frozenset[bytes] = frozenset()
"""Names of events that need not be decoded; there are none with names."""


def request(messages: Iterable[ChatMessageContent], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        messages: the history.
        options: what is set, under the names of `ChatModelSettings`; `tools` are flat, as for Responses.
    """
    body: dict[str, Any] = {
        "messages": list(_messages(messages)),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if tools := options.get("tools"):
        body["tools"] = [_tool(tool) for tool in tools]
    names = {"max_output_tokens": "max_completion_tokens"}
    for name in (
        "tool_choice",
        "max_output_tokens",
        "temperature",
        "top_p",
        "reasoning_effort",
        "response_format",
        "parallel_tool_calls",
        "seed",
        "stop",
        "user",
    ):
        if options.get(name) is not None:
            body[names.get(name, name)] = options[name]
    return body


def _messages(messages: Iterable[ChatMessageContent]) -> Iterable[dict[str, Any]]:
    """Return the messages. Pictures of tool results follow in a message of the user."""
    waiting: list[dict[str, Any]] = []
    for message in messages:
        sent = message.to_dict()
        if sent["role"] != "tool" and waiting:
            yield {"role": "user", "content": waiting}
            waiting = []
        yield sent
        waiting += [{"type": "image_url", "image_url": {"url": url}} for url in picture_parts(message)]
    if waiting:
        yield {"role": "user", "content": waiting}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {name: tool[name] for name in ("name", "description", "parameters") if name in tool}
    return {"type": "function", "function": function}


def read(event: Mapping[str, Any], answer: Answer) -> str:
    """Add a chunk to an answer and return the text that it brings."""
    answer.model = event.get("model") or answer.model
    if isinstance(usage := event.get("usage"), Mapping):
        answer.usage = _usage(usage)
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        return ""
    if isinstance(reason := choice.get("finish_reason"), str):
        answer.finish_reason = reason
    delta = choice.get("delta") or choice.get("message")
    if not isinstance(delta, Mapping):
        return ""
    _read_calls(delta.get("tool_calls"), answer)
    if isinstance(refusal := delta.get("refusal"), str):
        answer.refusal.append(refusal)
    for name in ("reasoning_content", "reasoning"):
        if isinstance(summary := delta.get(name), str):
            answer.summary.append(summary)
            break
    text = delta.get("content")
    return answer.add_text(text) if isinstance(text, str) else ""


def _read_calls(pieces: Any, answer: Answer) -> None:
    """Add the pieces of calls. Some servers leave the index out, and send each call whole."""
    for piece in pieces if isinstance(pieces, list) else ():
        if not isinstance(piece, Mapping):
            continue
        place = piece.get("index")
        if not isinstance(place, int):
            place = _place(piece, answer)
        call = answer.calls.setdefault(place, Call())
        found = piece.get("function")
        function: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        call.id = call.id or _text(piece.get("id"))
        call.name = call.name or _text(function.get("name"))
        call.arguments += _text(function.get("arguments"))


def _place(piece: Mapping[str, Any], answer: Answer) -> int:
    """Return the place of a piece without an index: that of the call with its id, or a new one."""
    last = max(answer.calls, default=-1)
    call_id = _text(piece.get("id"))
    same = [place for place, call in answer.calls.items() if call.id == call_id]
    if not call_id:
        return max(last, 0)
    return same[0] if same else last + 1


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        prompt=_count(usage, "prompt_tokens"),
        completion=_count(usage, "completion_tokens"),
        reasoning=_count(usage.get("completion_tokens_details"), "reasoning_tokens"),
        cached=_count(usage.get("prompt_tokens_details"), "cached_tokens"),
    )


def _count(counts: Any, name: str) -> int | None:
    count = counts.get(name) if isinstance(counts, Mapping) else None
    return count if isinstance(count, int) else None
