"""The Responses API, as Azure OpenAI has it: requests read as chat messages, and answers as its events."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mcpsecurity.localcloud.openai.offline import Reply
from mcpsecurity.localcloud.openai.refusal import RefusedError, check_length, invalid_type, missing

_NAMES = (
    "background include input instructions max_output_tokens max_tool_calls metadata model"
    " parallel_tool_calls previous_response_id prompt_cache_key reasoning safety_identifier store stream"
    " stream_options temperature text tool_choice tools top_p truncation user"
)
_KNOWN = frozenset(_NAMES.split())
_MIN_OUTPUT = 16
_FIELDS = {
    "message": frozenset({"type", "id", "status", "role", "content"}),
    "function_call": frozenset({"type", "id", "status", "call_id", "name", "arguments"}),
    "function_call_output": frozenset({"type", "id", "status", "call_id", "output"}),
    "reasoning": frozenset({"type", "id", "status", "summary", "content", "encrypted_content"}),
}
_FOLLOWS_REASONING = frozenset({"message", "function_call", "reasoning"})


class Reasoning:
    """Makes encrypted reasoning, and refuses reasoning that another deployment made."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def item(self, deployment: str) -> dict[str, Any]:
        """Return a reasoning item of a deployment."""
        item_id = f"rs_{secrets.token_hex(24)}"
        return {
            "id": item_id,
            "type": "reasoning",
            "summary": [],
            "encrypted_content": self._seal(item_id, deployment),
        }

    def check(self, where: str, item: Mapping[str, Any], deployment: str) -> None:
        """Raise `RefusedError` for an item that this deployment has not made."""
        sealed = item.get("encrypted_content")
        if not isinstance(sealed, str):
            text = f"Item with id '{item.get('id')}' not found. "
            text += "Items are not persisted when `store` is set to false."
            raise RefusedError(text, param="input")
        if not hmac.compare_digest(sealed, self._seal(str(item.get("id")), deployment)):
            text = "The encrypted content could not be verified. Reason: it could not be decrypted or parsed."
            raise RefusedError(text, param=where, code="invalid_encrypted_content")

    def _seal(self, item_id: str, deployment: str) -> str:
        return hmac.new(self._key, f"{deployment} {item_id}".encode(), hashlib.sha256).hexdigest()


def as_chat(body: Any, reasoning: Reasoning) -> dict[str, Any]:
    """Return a request as one of Chat Completions; the same rules hold for its messages and tools.

    Raises:
        RefusedError: it is not a request of this API.
    """
    if not isinstance(body, dict):
        raise RefusedError("We could not parse the JSON body of your request.")
    for name in body.keys() - _KNOWN:
        raise RefusedError(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < _MIN_OUTPUT:
        text = (
            "Invalid 'max_output_tokens': integer below minimum value. "
            f"Expected a value >= {_MIN_OUTPUT}, but got {limit} instead."
        )
        raise RefusedError(text, param="max_output_tokens", code="integer_below_min_value")
    given = body.get("input")
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    check_length("input", given, None, kind="array")
    messages: list[dict[str, Any]] = []
    if isinstance(body.get("instructions"), str):
        messages.append({"role": "system", "content": body["instructions"]})
    items = given or []
    for place, item in enumerate(items):
        _add(f"input[{place}]", item, messages, str(body.get("model")), reasoning)
        _check_order(item, items[place + 1] if place + 1 < len(items) else None)
    chat: dict[str, Any] = {"messages": messages}
    chat |= {
        name: body[name] for name in ("temperature", "top_p", "tool_choice") if body.get(name) is not None
    }
    if body.get("tools") is not None:
        chat["tools"] = [_tool(f"tools[{place}]", tool) for place, tool in enumerate(body["tools"])]
    return chat


def _check_order(item: Mapping[str, Any], following: Any) -> None:
    """Refuse a reasoning item that is not followed by its message or call."""
    if item.get("type") != "reasoning":
        return
    kind = following.get("type", "message") if isinstance(following, dict) else None
    if kind not in _FOLLOWS_REASONING or (kind == "message" and following.get("role") != "assistant"):
        text = (
            f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
        )
        raise RefusedError(text, param="input")


def _tool(where: str, tool: Any) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise invalid_type(where, "an object", tool)
    if "name" not in tool:
        raise missing(f"{where}.name")
    function = {name: value for name, value in tool.items() if name not in ("type", "strict")}
    return {"type": tool.get("type"), "function": function}


def _add(
    where: str, item: Any, messages: list[dict[str, Any]], deployment: str, reasoning: Reasoning
) -> None:
    """Add an item to the messages."""
    if not isinstance(item, dict):
        raise invalid_type(where, "an object", item)
    for name in item.keys() - _FIELDS.get(str(item.get("type", "message")), item.keys()):
        raise RefusedError(
            f"Unknown parameter: '{where}.{name}'.", param=f"{where}.{name}", code="unknown_parameter"
        )
    match item.get("type", "message"):
        case "message":
            messages.append({"role": item.get("role"), "content": _content(where, item)})
        case "function_call":
            _add_call(where, item, messages)
        case "function_call_output":
            output = item.get("output")
            content = output if isinstance(output, str) else _parts(f"{where}.output", output, "input_")
            messages.append({"role": "tool", "tool_call_id": item.get("call_id"), "content": content})
        case "reasoning":
            reasoning.check(where, item, deployment)
        case other:
            text = f"Invalid value: '{other}'. Supported values are: 'message', 'function_call', "
            text += "'function_call_output', and 'reasoning'."
            raise RefusedError(text, param=f"{where}.type", code="invalid_value")


def _add_call(where: str, item: Mapping[str, Any], messages: list[dict[str, Any]]) -> None:
    for name in ("call_id", "name", "arguments"):
        if name not in item:
            raise missing(f"{where}.{name}")
    function = {"name": item["name"], "arguments": item["arguments"]}
    call = {"id": item["call_id"], "type": "function", "function": function}
    last = messages[-1] if messages else {}
    if last.get("role") == "assistant":
        last.setdefault("tool_calls", []).append(call)
    else:
        messages.append({"role": "assistant", "content": None, "tool_calls": [call]})


def _content(where: str, item: Mapping[str, Any]) -> Any:
    content = item.get("content")
    if isinstance(content, str) or content is None:
        return content
    said = item.get("role") == "assistant"
    return _parts(f"{where}.content", content, "output_" if said else "input_")


def _parts(where: str, parts: Any, prefix: str) -> list[dict[str, Any]]:
    """Return content parts as those of Chat Completions; `prefix` is `input_` or `output_`."""
    check_length(where, parts, None, kind="array")
    made: list[dict[str, Any]] = []
    for place, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == f"{prefix}text":
            made.append({"type": "text", "text": part.get("text")})
        elif kind == "input_image" and prefix == "input_":
            made.append({"type": "image_url", "image_url": {"url": part.get("image_url")}})
        elif kind == "refusal" and prefix == "output_":
            made.append({"type": "text", "text": part.get("refusal")})
        else:
            text = f"Invalid value: '{kind}'. Supported values are: '{prefix}text'"
            text += " and 'refusal'." if prefix == "output_" else ", 'input_image', and 'input_file'."
            raise RefusedError(text, param=f"{where}[{place}].type", code="invalid_value")
    return made


def response_usage(usage: Mapping[str, int], thought: int) -> dict[str, Any]:
    """Return usage as this API reports it; `thought` tokens were spent on reasoning."""
    prompt, answer = usage["prompt_tokens"], usage["completion_tokens"] + thought
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": answer,
        "output_tokens_details": {"reasoning_tokens": thought},
        "total_tokens": prompt + answer,
    }


def reported_usage(usage: Mapping[str, int]) -> dict[str, Any]:
    """Return the usage that a test lists, as this API reports it."""
    return {"input_tokens": usage.get("prompt_tokens"), "output_tokens": usage.get("completion_tokens")}


def events(
    reply: Reply, model: str, usage: Mapping[str, Any] | None, reasoning: Mapping[str, Any] | None
) -> Iterator[dict[str, Any]]:
    """Yield an answer as events: reasoning, then the calls or the words, then the whole."""
    number = 0
    response: dict[str, Any] = {
        "id": f"resp_{secrets.token_hex(24)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "model": model,
        "output": [],
        "usage": None,
        "error": None,
        "incomplete_details": None,
        "store": False,
    }
    output: list[dict[str, Any]] = []
    for kind, content in _steps(reply, reasoning, output):
        head = {"response": dict(response)} if kind in ("response.created", "response.in_progress") else {}
        yield {"type": kind, "sequence_number": number, **head, **content}
        number += 1
    ended = {**response, "status": "completed", "output": output, "usage": dict(usage) if usage else None}
    if reply.finish not in (None, "stop", "tool_calls"):
        reason = {"length": "max_output_tokens"}.get(reply.finish, reply.finish)
        ended |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
    yield {"type": f"response.{ended['status']}", "sequence_number": number, "response": ended}


Step = tuple[str, dict[str, Any]]


def _steps(reply: Reply, reasoning: Mapping[str, Any] | None, output: list[dict[str, Any]]) -> Iterator[Step]:
    """Yield each event's name and content, and fill the output."""
    yield "response.created", {}
    yield "response.in_progress", {}
    if reasoning is not None:
        place = len(output)
        bare = {k: v for k, v in reasoning.items() if k != "encrypted_content"}
        yield "response.output_item.added", {"output_index": place, "item": bare}
        yield "response.output_item.done", {"output_index": place, "item": dict(reasoning)}
        output.append(dict(reasoning))
    for call in reply.calls:
        yield from _call_steps(call.name, call.text, output)
    if reply.text:
        yield from _text_steps(reply.text, output)
    if reply.refusal:
        yield from _refusal_steps(reply.refusal, output)


def _call_steps(name: str, arguments: str, output: list[dict[str, Any]]) -> Iterator[Step]:
    item = {
        "id": f"fc_{secrets.token_hex(24)}",
        "type": "function_call",
        "status": "in_progress",
        "call_id": f"call_{secrets.token_hex(12)}",
        "name": name,
        "arguments": "",
    }
    where = {"output_index": len(output), "item_id": item["id"]}
    yield "response.output_item.added", {"output_index": len(output), "item": dict(item)}
    for part in re.findall(r".{1,12}", arguments, re.DOTALL):
        yield "response.function_call_arguments.delta", {**where, "delta": part}
    yield "response.function_call_arguments.done", {**where, "arguments": arguments}
    item |= {"status": "completed", "arguments": arguments}
    yield "response.output_item.done", {"output_index": len(output), "item": dict(item)}
    output.append(item)


def _text_steps(text: str, output: list[dict[str, Any]]) -> Iterator[Step]:
    item_id = f"msg_{secrets.token_hex(24)}"
    item: dict[str, Any] = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress"}
    where = {"output_index": len(output), "item_id": item_id, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    yield "response.output_item.added", {"output_index": len(output), "item": {**item, "content": []}}
    yield "response.content_part.added", {**where, "part": part}
    for piece in re.findall(r"\s*\S+\s*?(?=\s|$)|\s+$", text):
        yield "response.output_text.delta", {**where, "delta": piece}
    yield "response.output_text.done", {**where, "text": text}
    part = {**part, "text": text}
    yield "response.content_part.done", {**where, "part": part}
    item |= {"status": "completed", "content": [part]}
    yield "response.output_item.done", {"output_index": len(output), "item": dict(item)}
    output.append(item)


def _refusal_steps(text: str, output: list[dict[str, Any]]) -> Iterator[Step]:
    item_id = f"msg_{secrets.token_hex(24)}"
    item: dict[str, Any] = {"id": item_id, "type": "message", "role": "assistant", "status": "in_progress"}
    where = {"output_index": len(output), "item_id": item_id, "content_index": 0}
    yield "response.output_item.added", {"output_index": len(output), "item": {**item, "content": []}}
    yield "response.refusal.delta", {**where, "delta": text}
    yield "response.refusal.done", {**where, "refusal": text}
    item |= {"status": "completed", "content": [{"type": "refusal", "refusal": text}]}
    yield "response.output_item.done", {"output_index": len(output), "item": dict(item)}
    output.append(item)
