"""Azure OpenAI's rules for a chat-completions request: a request that breaks one is refused with 400.

They are kept here because a client that breaks one would work locally, and always be refused by Azure: one
tool or one message that is not taken refuses the whole request.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mcpsecurity.localcloud.openai.refusal import RefusedError, check_length, invalid_type, missing, too_long
from mcpsecurity.localcloud.openai.schemas import schema_problem

MAX_TOOLS = 128
MAX_NAME = 64
MAX_DESCRIPTION = 1024
MAX_CONTENT = 1_048_576
MAX_CALL_ID = 40

_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_RANGES = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}
_COUNTS = ("max_tokens", "max_completion_tokens", "n")


_NAMES = (
    "audio data_sources frequency_penalty function_call functions logit_bias logprobs max_completion_tokens"
    " max_tokens messages metadata modalities model n parallel_tool_calls prediction presence_penalty"
    " prompt_cache_key reasoning_effort response_format safety_identifier seed service_tier stop store stream"
    " stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
)
_PARAMETERS = frozenset(_NAMES.split())


def check_names(body: Mapping[str, Any]) -> None:
    """Raise `RefusedError` for a parameter that Chat Completions does not have."""
    for name in body.keys() - _PARAMETERS:
        raise RefusedError(f"Unrecognized request argument supplied: {name}", param=name)


def check_request(body: Any) -> None:
    """Raise `RefusedError` for the first rule of Azure's that is broken."""
    if not isinstance(body, dict):
        raise RefusedError("We could not parse the JSON body of your request.")
    if "messages" not in body:
        raise missing("messages")
    check_length("messages", body["messages"], None, kind="array")
    _check_numbers(body)
    _check_tools(body)
    for place, message in enumerate(body["messages"]):
        _check_message(f"messages[{place}]", message)
    _check_answers(body["messages"])


def _check_numbers(body: Mapping[str, Any]) -> None:
    for name, (low, high) in _RANGES.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid_type(name, "a decimal", value)
        if not low <= value <= high:
            raise _out_of_range(name, value, low, high)
    for name in _COUNTS:
        count = body.get(name)
        if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
            raise invalid_type(name, "an integer", count)
        if count is not None and count < 1:
            text = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {count}"
            text += " instead."
            raise RefusedError(text, param=name, code="integer_below_min_value")


def _out_of_range(name: str, value: float, low: int, high: int) -> RefusedError:
    word, sign, limit, end = ("below minimum", ">=", low, "below_min")
    if not value < low:
        word, sign, limit, end = ("above maximum", "<=", high, "above_max")
    text = (
        f"Invalid '{name}': decimal {word} value. Expected a value {sign} {limit}, but got {value} instead."
    )
    return RefusedError(text, param=name, code=f"decimal_{end}_value")


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) not in (None, "none"):
                text = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
                raise RefusedError(text, param=name)
        return
    check_length("tools", tools, MAX_TOOLS, kind="array")
    names: set[str] = set()
    for place, tool in enumerate(tools):
        name = _check_tool(f"tools[{place}]", tool)
        if name in names:
            raise RefusedError(
                f"Invalid 'tools': function names must be unique, but '{name}' is there more than once.",
                param=f"tools[{place}].function.name",
                code="invalid_value",
            )
        names.add(name)


def _check_tool(where: str, tool: Any) -> str:
    """Return the name of a tool's function."""
    if not isinstance(tool, dict):
        raise invalid_type(where, "an object", tool)
    if tool.get("type") != "function":
        raise _unknown(f"{where}.type", tool, "type", ("function",))
    function = _part(where, tool, "function")
    name = _check_name(f"{where}.function", function)
    description = function.get("description")
    if description is not None and not isinstance(description, str):
        raise invalid_type(f"{where}.function.description", "a string", description)
    if len(description or "") > MAX_DESCRIPTION:
        raise too_long(f"{where}.function.description", "string", MAX_DESCRIPTION, len(description or ""))
    if function.get("parameters") is not None and (problem := schema_problem(function["parameters"])):
        raise RefusedError(
            f"Invalid schema for function '{name}': {problem}",
            param=f"{where}.function.parameters",
            code="invalid_function_parameters",
        )
    return name


def _check_name(where: str, function: Mapping[str, Any]) -> str:
    if "name" not in function:
        raise missing(f"{where}.name")
    name = function["name"]
    check_length(f"{where}.name", name, MAX_NAME)
    if not _NAME.fullmatch(name):
        text = (
            f"Invalid '{where}.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        )
        raise RefusedError(text, param=f"{where}.name", code="invalid_value")
    return str(name)


def _check_message(where: str, message: Any) -> None:
    if not isinstance(message, dict):
        raise invalid_type(where, "an object", message)
    role = message.get("role")
    if role not in _ROLES:
        raise _unknown(f"{where}.role", message, "role", _ROLES)
    if role == "tool":
        if "tool_call_id" not in message:
            raise missing(f"{where}.tool_call_id")
        check_length(f"{where}.tool_call_id", message["tool_call_id"], MAX_CALL_ID)
    if message.get("tool_calls") is not None:
        _check_calls(where, message["tool_calls"])
    _check_content(where, message)


def _check_content(where: str, message: Mapping[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, str):
        if len(content) > MAX_CONTENT:
            raise too_long(f"{where}.content", "string", MAX_CONTENT, len(content))
    elif isinstance(content, list):
        check_length(f"{where}.content", content, None, kind="array")
        for place, part in enumerate(content):
            _check_part(f"{where}.content[{place}]", part)
    elif content is not None:
        raise invalid_type(f"{where}.content", "one of a string or array of objects", content)
    elif not (message["role"] == "assistant" and (message.get("tool_calls") or message.get("refusal"))):
        text = "Invalid value for 'content': expected a string, got null."
        raise RefusedError(text, param=re.sub(r"\[", ".[", where) + ".content")


def _check_part(where: str, part: Any) -> None:
    if not isinstance(part, dict):
        raise invalid_type(where, "an object", part)
    if "type" not in part:
        raise missing(f"{where}.type")
    if part["type"] != "text":
        return
    if not isinstance(part.get("text"), str):
        raise invalid_type(f"{where}.text", "a string", part.get("text"))
    if len(part["text"]) > MAX_CONTENT:
        raise too_long(f"{where}.text", "string", MAX_CONTENT, len(part["text"]))


def _check_calls(where: str, calls: Any) -> None:
    check_length(f"{where}.tool_calls", calls, MAX_TOOLS, kind="array")
    for place, call in enumerate(calls):
        there = f"{where}.tool_calls[{place}]"
        if not isinstance(call, dict):
            raise invalid_type(there, "an object", call)
        if "id" not in call:
            raise missing(f"{there}.id")
        check_length(f"{there}.id", call["id"], MAX_CALL_ID)
        function = _part(there, call, "function")
        _check_name(f"{there}.function", function)
        if not isinstance(function.get("arguments"), str):
            raise invalid_type(f"{there}.function.arguments", "a string", function.get("arguments"))


def _check_answers(messages: list[dict[str, Any]]) -> None:
    """Refuse tool calls without an answer right after them, and answers without a call before them."""
    waiting: set[str] = set()
    answered: dict[str, int] = {}
    for place, message in enumerate(messages):
        if message["role"] == "tool":
            _take_answer(message["tool_call_id"], place, waiting, answered)
            continue
        _refuse_unanswered(waiting)
        answered.clear()
        for name in _call_ids(message):
            if name in waiting:
                raise _twice(name, place, place)
            waiting.add(name)
    _refuse_unanswered(waiting)


def _take_answer(name: str, place: int, waiting: set[str], answered: dict[str, int]) -> None:
    if name in answered:
        raise _twice(name, answered[name], place)
    if name not in waiting:
        text = (
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'."
        )
        raise RefusedError(text, param=f"messages.[{place}].role")
    waiting.discard(name)
    answered[name] = place


def _refuse_unanswered(waiting: set[str]) -> None:
    if waiting:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
        )
        raise RefusedError(text + ", ".join(sorted(waiting)), param="messages")


def _call_ids(message: Mapping[str, Any]) -> Iterator[str]:
    return (call["id"] for call in message.get("tool_calls") or ())


def _part(where: str, whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if name not in whole:
        raise missing(f"{where}.{name}")
    if not isinstance(whole[name], dict):
        raise invalid_type(f"{where}.{name}", "an object", whole[name])
    return dict(whole[name])


def _unknown(param: str, whole: Mapping[str, Any], name: str, known: tuple[str, ...]) -> RefusedError:
    if name not in whole:
        return missing(param)
    if not isinstance(whole[name], str):
        return invalid_type(param, "a string", whole[name])
    *first, last = (f"'{each}'" for each in known)
    listed = f"{', '.join(first)}, and {last}" if first else last
    text = f"Invalid value: '{whole[name]}'. Supported values are: {listed}."
    return RefusedError(text, param=param, code="invalid_value")


def _twice(name: str, one: int, other: int) -> RefusedError:
    text = (
        f"Invalid parameter: Duplicate value for 'tool_call_id' of '{name}', "
        f"in messages[{one}] and messages[{other}]."
    )
    return RefusedError(text, param=f"messages.[{other}].tool_call_id")
