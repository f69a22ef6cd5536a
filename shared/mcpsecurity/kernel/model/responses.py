"""The Responses API, without state at the provider: requests from a chat history, and its stream.

`POST {base}/responses` with `store: false`. Reasoning travels encrypted between the requests of one answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from semantic_kernel.contents import (
    AuthorRole,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    ImageContent,
)

from mcpsecurity.kernel.model.answer import PHASE, REASONING, Answer, count_of, text_of
from mcpsecurity.kernel.model.arguments import sent_arguments
from mcpsecurity.kernel.model.errors import ProviderError
from mcpsecurity.kernel.model.pictures import pictures_of
from mcpsecurity.kernel.model.signed_ids import mark_of, signed_ids
from mcpsecurity.model_error import error_in

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
        b"response.reasoning_text.done",
        b"response.refusal.done",
    }
)
"""Names of events that say nothing new: what they bring is in another one, whole."""

_MIN_OUTPUT = 16
"""A lower limit of an answer is refused."""
_DELTAS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "summary",
    "response.reasoning_text.delta": "summary",
}
"""Events that bring a piece, and what of the answer it is a piece of. Open models think in plain text."""

_LONGEST_PHASE = 40
_CALLS = ("function_call", "custom_tool_call")
_REASONS = {"max_output_tokens": "length", "max_tokens": "length", "content_filter": "content_filter"}


def request(messages: Sequence[ChatMessageContent], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        messages: the history; reasoning of the answer that is under way goes back in.
        options: the settings, under the names of `ChatModelSettings`; `tools` are flat.
    """
    body: dict[str, Any] = {
        "input": list(_items(messages)),
        "stream": True,
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    if tools := options.get("tools"):
        body["tools"] = [{**tool, "strict": False} for tool in tools]
    for name in ("tool_choice", "temperature", "top_p", "parallel_tool_calls", "user"):
        if options.get(name) is not None:
            body[name] = options[name]
    if limit := options.get("max_output_tokens"):
        body["max_output_tokens"] = max(limit, _MIN_OUTPUT)
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
    ids: dict[str, str] = {}
    for number, message in enumerate(messages):
        ids |= signed_ids(message)
        if message.role == AuthorRole.TOOL:
            results = (item for item in message.items if isinstance(item, FunctionResultContent))
            yield from (_result(item, ids) for item in results)
        elif message.role == AuthorRole.ASSISTANT:
            yield from _said(message, ids, with_reasoning=number > asked)
        else:
            yield {"type": "message", "role": message.role.value, "content": list(_parts(message))}


def _said(
    message: ChatMessageContent, ids: Mapping[str, str], *, with_reasoning: bool
) -> Iterator[dict[str, Any]]:
    """Yield what the model said: its text and calls, with the reasoning items in their places. One that
    nothing follows would be refused."""
    known = message.metadata.get(REASONING, ()) if with_reasoning else ()
    reasoning = [(place, item) for place, item in known if "type" in item]
    calls = [item for item in message.items if isinstance(item, FunctionCallContent)]
    yield from (item for at, item in reasoning if at == 0)
    if message.content:
        said = {"type": "output_text", "text": message.content}
        phase = {"phase": known} if (known := message.metadata.get(PHASE)) else {}
        yield {"type": "message", "role": "assistant", "content": [said], **phase}
    for place, call in enumerate(calls, 1):
        yield from (item for at, item in reasoning if at == place)
        yield {
            "type": "function_call",
            "call_id": ids.get(str(call.id), call.id),
            "name": call.name,
            "arguments": sent_arguments(call.arguments),
        }


def _result(item: FunctionResultContent, ids: Mapping[str, str]) -> dict[str, Any]:
    text, pictures = str(item.result), list(pictures_of(item))
    output: Any = text
    if pictures:
        shown = [{"type": "input_image", "image_url": url} for url in pictures]
        output = [{"type": "input_text", "text": text}, *shown]
    return {"type": "function_call_output", "call_id": ids.get(str(item.id), item.id), "output": output}


def _parts(message: ChatMessageContent) -> Iterator[dict[str, Any]]:
    if message.content:
        yield {"type": "input_text", "text": message.content}
    for item in message.items:
        if isinstance(item, ImageContent):
            yield {"type": "input_image", "image_url": str(item.data_uri or item.uri)}


def read(event: Mapping[str, Any], answer: Answer) -> None:
    """Add an event to an answer.

    Raises:
        ProviderError: it is an error, or the response failed.
    """
    kind, delta = event.get("type"), event.get("delta")
    if isinstance(kind, str) and isinstance(delta, str) and kind in _DELTAS:
        answer.say(getattr(answer, _DELTAS[kind]), delta)
    match kind:
        case "response.output_item.added":
            _begin_item(event.get("item"), answer)
        case "response.output_item.done":
            _read_item(event.get("item"), answer)
        case "response.created" | "response.completed" | "response.incomplete":
            _read_response(event.get("response"), answer)
        case "response.failed" | "response.cancelled":
            response = event.get("response")
            raise ProviderError(response.get("error") if isinstance(response, dict) else None)
        case "error":
            raise ProviderError(event.get("error") or dict(event))
        case None if (error := error_in(event)) is not None:
            raise ProviderError(error)
        case None if event.get("object") == "response":
            _read_response(event, answer)


def _begin_item(item: Any, answer: Answer) -> None:
    """Set a message apart from the one before it: a model says what it is about to do, then its answer."""
    if isinstance(item, dict) and item.get("type") == "message" and answer.text.any:
        answer.say(answer.text, "\n\n")


def _read_item(item: Any, answer: Answer) -> None:
    """Add a call or a reasoning item that is whole."""
    if not isinstance(item, dict):
        return
    match item.get("type"):
        case kind if kind in _CALLS:
            call_id = text_of(item.get("call_id"))
            index = call_id or text_of(item.get("id")) or object()
            arguments = item.get("arguments", item.get("input"))
            answer.call(index, call_id, text_of(item.get("name")), arguments)
            if mark := mark_of(call_id):
                answer.mark_call({**mark}, len(call_id))
        case "reasoning":
            _read_reasoning(item, answer)
        case "message" if isinstance(phase := item.get("phase"), str) and len(phase) <= _LONGEST_PHASE:
            answer.phase = phase


def _read_reasoning(item: Mapping[str, Any], answer: Answer, place: int | None = None) -> None:
    """Add a reasoning item that can go back: one whose content is encrypted, or is text, as open models have
    it (llama.cpp, vLLM)."""
    sealed, content = item.get("encrypted_content"), item.get("content")
    if isinstance(sealed, str) and sealed:
        kept = {name: item[name] for name in ("id", "summary", "encrypted_content") if name in item}
        answer.reason({"type": "reasoning", "summary": [], **kept}, len(sealed), place)
    elif text := text_of(content):
        plain = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": text}]}
        kept = {"id": item["id"]} if "id" in item else {}
        answer.reason(plain | kept, len(text), place)


def _read_response(response: Any, answer: Answer) -> None:
    if not isinstance(response, dict):
        return
    answer.named(response.get("model"))
    counts = {
        "prompt_tokens": count_of(response, "usage", "input_tokens"),
        "completion_tokens": count_of(response, "usage", "output_tokens"),
        "reasoning_tokens": count_of(response, "usage", "output_tokens_details", "reasoning_tokens"),
        "cached_tokens": count_of(response, "usage", "input_tokens_details", "cached_tokens"),
    }
    answer.usage |= {name: count for name, count in counts.items() if count is not None}
    status = response.get("status")
    if status in ("completed", "incomplete"):
        output = response.get("output")
        _read_output(output if isinstance(output, list) else [], answer)
        answer.ended = True
    if status == "completed":
        answer.finished("tool_calls" if answer.calls() else "stop")
    elif status == "incomplete":
        details = response.get("incomplete_details")
        reason = text_of(details.get("reason")) if isinstance(details, dict) else ""
        answer.finished(_REASONS.get(reason, reason or "incomplete"))


def _read_output(output: Iterable[Any], answer: Answer) -> None:
    """Add what the whole answer has and no event brought: calls that were cut off, text that came at once,
    reasoning that LiteLLM encrypts at the end."""
    known = {call_id for call_id, _, _ in answer.calls()}
    silent = not (answer.text.any or answer.refusal.any)
    unsealed = not any("type" in item for _, item in answer.reasoning)
    kinds: list[Any] = []
    for item in output:
        kind = item.get("type") if isinstance(item, dict) else None
        kinds.append(kind)
        if kind == "reasoning" and unsealed:
            calls = sum(before in _CALLS for before in kinds)
            _read_reasoning(item, answer, 1 + calls if calls or "message" in kinds else 0)
        if kind in _CALLS and item.get("call_id") not in known:
            _read_item(item, answer)
        elif kind == "message" and silent:
            _begin_item(item, answer)
            content = item.get("content")
            for part in content if isinstance(content, list) else ():
                if isinstance(part, dict):
                    answer.say(answer.text, text_of(part.get("text")))
                    answer.say(answer.refusal, text_of(part.get("refusal")))
