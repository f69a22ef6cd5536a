"""The Chat Completions API: requests from a chat history, and its stream.

Azure: `POST {resource}/openai/v1/chat/completions`; everybody else: `POST {base}/chat/completions`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from semantic_kernel.contents import ChatMessageContent

from mcpsecurity.kernel.model.answer import Answer, count_of, text_of
from mcpsecurity.kernel.model.errors import ProviderError
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


def read(chunk: Mapping[str, Any], answer: Answer) -> None:
    """Add a chunk to an answer.

    Raises:
        ProviderError: it is an error.
    """
    if chunk.get("error"):
        raise ProviderError(chunk["error"])
    answer.named(chunk.get("model"))
    usage = chunk.get("usage")
    if isinstance(usage, dict):
        _read_usage(usage, answer)
    choice = _choice_of(chunk)
    answer.finished(choice.get("finish_reason"))
    said = choice.get("delta") or choice.get("message")
    if isinstance(said, dict):
        _read_delta(said, answer)


def _choice_of(chunk: Mapping[str, Any]) -> dict[str, Any]:
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("index") in (0, None):
            return choice
    return {}


def _read_delta(delta: Mapping[str, Any], answer: Answer) -> None:
    if text := text_of(delta.get("content")):
        answer.say(answer.text, text)
    if refusal := text_of(delta.get("refusal")):
        answer.say(answer.refusal, refusal)
    if thought := text_of(delta.get("reasoning_content") or delta.get("reasoning")):
        answer.say(answer.summary, thought)
    calls = delta.get("tool_calls")
    for made in calls if isinstance(calls, list) else [calls]:
        if isinstance(made, dict):
            _read_call(made, answer)
    if isinstance(made := delta.get("function_call"), dict):  # what came before `tool_calls`
        _read_call({"index": "function_call", "function": made}, answer)


def _read_call(made: Mapping[str, Any], answer: Answer) -> None:
    function = made.get("function") or made.get("custom")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments", function.get("input"))
    answer.call(made.get("index"), text_of(made.get("id")), text_of(function.get("name")), arguments)


def _read_usage(usage: Mapping[str, Any], answer: Answer) -> None:
    counts = {
        "prompt_tokens": count_of(usage, "prompt_tokens"),
        "completion_tokens": count_of(usage, "completion_tokens"),
        "reasoning_tokens": count_of(usage, "completion_tokens_details", "reasoning_tokens"),
        "cached_tokens": count_of(usage, "prompt_tokens_details", "cached_tokens"),
    }
    answer.usage |= {name: count for name, count in counts.items() if count is not None}
