"""The chat-completions API's JSON, as Azure OpenAI writes it."""

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mcpsecurity.localcloud.openai.offline import Reply


def completion(reply: Reply, model: str, usage: Mapping[str, int]) -> dict[str, Any]:
    """Return a whole answer."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = _calls(reply)
    if reply.refusal:
        message["refusal"] = reply.refusal
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    return {**_head(model, "chat.completion"), "choices": [choice], "usage": dict(usage)}


def chunks(reply: Reply, model: str, usage: Mapping[str, int] | None) -> Iterator[dict[str, Any]]:
    """Yield an answer in chunks: words, or calls with arguments in parts; then finish reason and usage."""
    head = {**_head(model, "chat.completion.chunk"), "usage": None}
    for delta in _deltas(reply):
        yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": _finish(reply)}]}
    if usage is not None:
        yield {**head, "choices": [], "usage": dict(usage)}


def prompt_tokens(messages: Sequence[Any], tools: Sequence[Any] | None = None) -> int:
    """Return a count of tokens: about four characters each, which is what real tokenizers come to."""
    return (len(json.dumps(messages)) + (len(json.dumps(tools)) if tools else 0)) // 4 + 1


def usage_of(messages: Sequence[Any], reply: Reply, tools: Sequence[Any] | None = None) -> dict[str, int]:
    """Return the tokens of a request and of its answer."""
    prompt = prompt_tokens(messages, tools)
    answer = (len(reply.text) + sum(len(c.text) + len(c.name) for c in reply.calls)) // 4 + 1
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def error(code: str, message: str) -> dict[str, Any]:
    """Return an error body."""
    inner: dict[str, Any] = {"code": code, "message": message}
    if code == "content_filter":
        inner |= {"type": None, "param": "prompt", "status": 400}
    return {"error": inner}


def _head(model: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": None,
    }


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _calls(reply: Reply) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{secrets.token_hex(12)}",
            "type": "function",
            "function": {"name": call.name, "arguments": call.text},
        }
        for call in reply.calls
    ]


def _deltas(reply: Reply) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": None if reply.calls or reply.refusal else ""}
    if reply.refusal:
        yield {"refusal": reply.refusal}
    for index, call in enumerate(_calls(reply)):
        function = call["function"]
        yield {
            "tool_calls": [{"index": index, **call, "function": {"name": function["name"], "arguments": ""}}]
        }
        for part in re.findall(r".{1,12}", function["arguments"], re.DOTALL):
            yield {"tool_calls": [{"index": index, "function": {"arguments": part}}]}
    for piece in re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", reply.text):
        yield {"content": piece}
