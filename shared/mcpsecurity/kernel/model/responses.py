"""The Responses API, without state at the provider: requests from a chat history, and its stream.

`POST {base}/responses` with `store: false`. Reasoning travels encrypted between the requests of one answer.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    ImageContent,
)

from mcpsecurity.kernel.model.answer import REASONING, Answer, Call, Usage
from mcpsecurity.kernel.model.pictures import pictures_of

__all__ = ["UNWANTED", "read", "request"]

UNWANTED = frozenset(
    {
        b"response.in_progress",
        b"response.content_part.added",
        b"response.content_part.done",
        b"response.output_text.done",
        b"response.function_call_arguments.delta",
        b"response.function_call_arguments.done",
        b"response.reasoning_summary_part.added",
        b"response.reasoning_summary_part.done",
        b"response.reasoning_summary_text.done",
        b"response.refusal.done",
    }
)
"""Names of events that say nothing new: what they bring is in another one, whole."""

_WHOLE = frozenset({"response.created", "response.completed", "response.incomplete"})
_REASONS = {"max_output_tokens": "length", "max_tokens": "length", "content_filter": "content_filter"}


def request(messages: Sequence[ChatMessageContent], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        messages: the history; reasoning of the answer that is under way goes back in.
        options: what is set, under the names of `ChatModelSettings`; `tools` are flat.
    """
    body: dict[str, Any] = {
        "input": list(_items(messages)),
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if tools := options.get("tools"):
        body["tools"] = [{**tool, "strict": False} for tool in tools]
    for name in ("tool_choice", "max_output_tokens", "temperature", "top_p", "parallel_tool_calls", "user"):
        if options.get(name) is not None:
            body[name] = options[name]
    reasoning = {"effort": options.get("reasoning_effort"), "summary": options.get("reasoning_summary")}
    if any(reasoning.values()):
        body["reasoning"] = {name: value for name, value in reasoning.items() if value}
    if form := options.get("response_format"):
        body["text"] = {"format": _format(form)}
    return body


def _format(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return a response format in the flat form of this API."""
    return {"type": form.get("type"), **form.get("json_schema", {})}


def _items(messages: Sequence[ChatMessageContent]) -> Iterator[dict[str, Any]]:
    asked = max((n for n, message in enumerate(messages) if message.role == AuthorRole.USER), default=-1)
    for number, message in enumerate(messages):
        if message.role == AuthorRole.TOOL:
            yield from (_result(item) for item in message.items if isinstance(item, FunctionResultContent))
        elif message.role == AuthorRole.ASSISTANT:
            yield from _said(message, with_reasoning=number > asked)
        else:
            yield {"type": "message", "role": message.role.value, "content": list(_parts(message))}


def _said(message: ChatMessageContent, *, with_reasoning: bool) -> Iterator[dict[str, Any]]:
    """Yield what the model said: its text and calls, with the reasoning items in their places."""
    reasoning = list(message.metadata.get(REASONING, ())) if with_reasoning else []
    calls = [item for item in message.items if isinstance(item, FunctionCallContent)]
    yield from (item for place, item in reasoning if place == 0)
    if message.content:
        yield {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": message.content}],
        }
    for place, call in enumerate(calls, 1):
        arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments or {})
        yield {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": arguments or "{}",
        }
        yield from (item for before, item in reasoning if before == place)


def _result(item: FunctionResultContent) -> dict[str, Any]:
    text, pictures = str(item.result), list(pictures_of(item))
    output: Any = text
    if pictures:
        shown = [{"type": "input_image", "image_url": url} for url in pictures]
        output = [{"type": "input_text", "text": text}, *shown]
    return {"type": "function_call_output", "call_id": item.id, "output": output}


def _parts(message: ChatMessageContent) -> Iterator[dict[str, Any]]:
    if message.content:
        yield {"type": "input_text", "text": message.content}
    for item in message.items:
        if isinstance(item, ImageContent):
            yield {"type": "input_image", "image_url": str(item.data_uri or item.uri)}


def read(event: Mapping[str, Any], answer: Answer) -> str:
    """Add an event to an answer and return the text that it brings."""
    match event:
        case {"type": "response.output_text.delta", "delta": str(text)}:
            return answer.add_text(text)
        case {"type": "response.refusal.delta", "delta": str(text)}:
            answer.refusal.append(text)
        case {"type": "response.reasoning_summary_text.delta", "delta": str(text)}:
            answer.summary.append(text)
        case {"type": "response.output_item.done", "item": dict(item)}:
            _read_item(item, answer)
        case {
            "type": "response.created" | "response.completed" | "response.incomplete",
            "response": dict(response),
        }:
            _read_response(response, answer)
        case _:
            pass
    return ""


def _read_item(item: Mapping[str, Any], answer: Answer) -> None:
    if item.get("type") == "function_call":
        call = Call(*(str(item.get(name) or "") for name in ("call_id", "name", "arguments")))
        answer.calls[len(answer.calls)] = call
    elif item.get("type") == "reasoning" and item.get("encrypted_content"):
        kept = {name: item[name] for name in ("type", "id", "summary", "encrypted_content") if name in item}
        answer.reasoning.append((len(answer.calls), kept))


def _read_response(response: Mapping[str, Any], answer: Answer) -> None:
    answer.model = response.get("model") or answer.model
    if isinstance(usage := response.get("usage"), Mapping):
        answer.usage = _usage(usage)
    status = response.get("status")
    if status == "completed":
        answer.finish_reason = "tool_calls" if answer.calls else "stop"
    elif status == "incomplete":
        details = response.get("incomplete_details") or {}
        reason = details.get("reason") if isinstance(details, Mapping) else None
        answer.finish_reason = _REASONS.get(str(reason), str(reason or "incomplete"))


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        prompt=_count(usage, "input_tokens"),
        completion=_count(usage, "output_tokens"),
        reasoning=_count(usage.get("output_tokens_details"), "reasoning_tokens"),
        cached=_count(usage.get("input_tokens_details"), "cached_tokens"),
    )


def _count(counts: Any, name: str) -> int | None:
    count = counts.get(name) if isinstance(counts, Mapping) else None
    return count if isinstance(count, int) else None
