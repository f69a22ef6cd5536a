"""The Chat Completions API: requests from a chat history, and its stream.

Azure: `POST {resource}/openai/v1/chat/completions`; everybody else: `POST {base}/chat/completions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from semantic_kernel.contents import AuthorRole, ChatMessageContent

from mcpsecurity.kernel.model.answer import REASONING, TAGGED, THOUGHT, Answer, count_of, text_of
from mcpsecurity.kernel.model.arguments import sent_arguments
from mcpsecurity.kernel.model.errors import ProviderError
from mcpsecurity.kernel.model.pictures import picture_parts
from mcpsecurity.kernel.model.signed_ids import mark_of, signed_ids
from mcpsecurity.kernel.model.thoughts import thought_in_parts
from mcpsecurity.model_dialect import THOUGHT_AS
from mcpsecurity.model_error import error_in

UNWANTED: frozenset[bytes] = frozenset()
"""Names of events that need not be decoded: none, as the events have no names."""

_MARKS = ("extra_content", "provider_specific_fields")
"""What Gemini signs its calls with, by itself and behind LiteLLM:
https://ai.google.dev/gemini-api/docs/thought-signatures."""
_SIGNATURE = "thought_signature"
"""Where it stands in a call's function behind Portkey, with `x-portkey-strict-open-ai-compliance: false`."""
_DETAILS = ("reasoning_details", "thinking_blocks")
"""What OpenRouter has of a model's reasoning: https://openrouter.ai/docs/use-cases/reasoning-tokens; and what
LiteLLM has of Claude's: https://docs.litellm.ai/docs/reasoning_content."""


def request(messages: Sequence[ChatMessageContent], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request.

    Args:
        messages: the history.
        options: the settings, under the names of `ChatModelSettings`; `tools` are flat, as for Responses.
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


def _messages(messages: Sequence[ChatMessageContent]) -> Iterable[dict[str, Any]]:
    """Return the messages. Pictures of tool results follow in a message of the user."""
    asked = max((n for n, message in enumerate(messages) if message.role == AuthorRole.USER), default=-1)
    waiting: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    for number, message in enumerate(messages):
        sent = _sent(message, ids)
        if number > asked and (name := _came_as(message)):
            sent[THOUGHT_AS] = name
        if number > asked and (thought := _marked(message, TAGGED)):
            sent["content"] = f"<think>{thought}</think>\n\n{sent.get('content') or ''}"
        if sent["role"] != "tool" and waiting:
            yield {"role": "user", "content": waiting}
            waiting = []
        yield sent
        waiting += [{"type": "image_url", "image_url": {"url": url}} for url in picture_parts(message)]
    if waiting:
        yield {"role": "user", "content": waiting}


def _sent(message: ChatMessageContent, ids: dict[str, str]) -> dict[str, Any]:
    """Return a message with all that its model said: text beside calls, what it thought, and the marks that
    it wants back with its calls. `ids` are those by which the endpoint knows calls that have others here."""
    sent = message.to_dict()
    calls: list[dict[str, Any]] = sent.get("tool_calls", [])
    if calls and message.content:
        sent["content"] = message.content
    if thought := message.metadata.get(THOUGHT):
        sent["reasoning_content"] = thought
    for place, item in message.metadata.get(REASONING, ()) if calls else ():
        sent |= {name: item[name] for name in _DETAILS if name in item}
        if 0 < place <= len(calls):
            call = calls[place - 1]
            call |= {name: item[name] for name in _MARKS if name in item}
            call["function"] |= {_SIGNATURE: item[_SIGNATURE]} if _SIGNATURE in item else {}
    ids |= signed_ids(message)
    for call in calls:
        call["id"] = ids.get(call["id"], call["id"])
        call["function"]["arguments"] = sent_arguments(call["function"]["arguments"])
    if "tool_call_id" in sent:
        sent["tool_call_id"] = ids.get(sent["tool_call_id"], sent["tool_call_id"])
    return sent


def _came_as(message: ChatMessageContent) -> str:
    """Return by which name the thought before a message's calls came; "" without one."""
    return _marked(message, THOUGHT_AS) if message.metadata.get(THOUGHT) else ""


def _marked(message: ChatMessageContent, name: str) -> str:
    """Return what a message's reasoning has by a name; "" without it."""
    marks = (item[name] for _, item in message.metadata.get(REASONING, ()) if name in item)
    return str(next(marks, ""))


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = {name: tool[name] for name in ("name", "description", "parameters") if name in tool}
    return {"type": "function", "function": function}


def read(chunk: Mapping[str, Any], answer: Answer) -> None:
    """Add a chunk to an answer.

    Raises:
        ProviderError: it is an error.
    """
    choice = _choice_of(chunk)
    error = chunk.get("error") or choice.get("error") or _error_at_end(choice)
    if error := error or ("choices" not in chunk and error_in(chunk)):
        raise ProviderError(error)
    answer.named(chunk.get("model"))
    usage = chunk.get("usage")
    if isinstance(usage, dict):
        _read_usage(usage, answer)
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


def _error_at_end(choice: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the error that a reason for the end names, like Portkey's `overloaded_error`."""
    reason = choice.get("finish_reason")
    if isinstance(reason, str) and reason.endswith("error"):
        return {"type": reason, "message": ""}
    return None


def _read_delta(delta: Mapping[str, Any], answer: Answer) -> None:
    if text := text_of(delta.get("content")):
        answer.speak(text)
    if refusal := text_of(delta.get("refusal")):
        answer.say(answer.refusal, refusal)
    _read_thoughts(delta, answer)
    calls = delta.get("tool_calls")
    for made in calls if isinstance(calls, list) else [calls]:
        if isinstance(made, dict):
            _read_call(made, answer)
    if not calls and isinstance(made := delta.get("function_call"), dict):  # the form before `tool_calls`
        _read_call({"index": "function_call", "function": made}, answer)


def _read_thoughts(delta: Mapping[str, Any], answer: Answer) -> None:
    if thought := thought_in_parts(delta.get("content")):
        answer.say(answer.summary, thought)
    for name in ("reasoning_content", "reasoning"):
        if thought := text_of(delta.get(name)):
            answer.think(name, thought)
            break
    for name in _DETAILS:
        for item in details if isinstance(details := delta.get(name), list) else ():
            if isinstance(item, dict):
                answer.detail(name, item, len(str(item)))


def _read_call(made: Mapping[str, Any], answer: Answer) -> None:
    function = made.get("function") or made.get("custom")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments", function.get("input"))
    call_id = text_of(made.get("id"))
    answer.call(made.get("index"), call_id, text_of(function.get("name")), arguments)
    marks: dict[str, Any] = {name: made[name] for name in _MARKS if isinstance(made.get(name), dict)}
    marks |= mark_of(call_id)
    if signature := text_of(function.get(_SIGNATURE)):
        marks[_SIGNATURE] = signature
    if marks:
        answer.mark_call(marks, len(str(marks)))


def _read_usage(usage: Mapping[str, Any], answer: Answer) -> None:
    counts = {
        "prompt_tokens": count_of(usage, "prompt_tokens"),
        "completion_tokens": count_of(usage, "completion_tokens"),
        "reasoning_tokens": count_of(usage, "completion_tokens_details", "reasoning_tokens"),
        "cached_tokens": count_of(usage, "prompt_tokens_details", "cached_tokens"),
    }
    answer.usage |= {name: count for name, count in counts.items() if count is not None}
