"""Asks the model one short question as the chat does: by its API, with its options, a tool, streaming."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from mcpsecurity.model_dialect import Dialect, Way, unstreamed
from mcpsecurity.model_error import error_in
from mcpsecurity.model_refusal import Kind, kind_of
from mcpsecurity.model_settings import ModelSettings
from mcpsecurity.model_text_calls import writes_call
from mcpsecurity_server.doctor.requests import Answer, fetch

_QUESTION = {"role": "user", "content": "Ask the tool for the date, then say ok."}
_TOOL: dict[str, Any] = {
    "name": "Tools-get_current_date_time",
    "description": "Returns the current date and the current time of day. Call it whenever the person asks "
    "what day it is, what time it is, which week or month this is, how long something takes "
    "from now, or how long ago something was, and whenever an answer depends on the date of "
    "today in another way. Do not guess the date and do not say that it is unknown, since what "
    "was learned in training is older than the conversation. The result is one line of text "
    "with the day of the week, the year, the month, the day of the month, the hour, the minute "
    "and the time zone. Repeat the parts that the person asked for in a short sentence and "
    "leave out all others. It takes no arguments.",
    "parameters": {"type": "object", "properties": {}},
}
_MAX_TRIES = 6
_SECONDS = 60.0
_LONGEST = 2000
_TOKENS_OF_TOOL = 120
"""What a question with the tool has at least, whatever counts its 600 characters."""
_ENDS = frozenset({"response.completed", "response.incomplete"})


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The response to the last try.

    Attributes:
        status_code: the HTTP status.
        message, code, param: of the error, if there is one; else empty. They are the provider's words: one
            line, at most 2,000 characters.
        kind: what the error means, if there is one.
        model: the model that the answer names.
        text: the text of the answer; None if there was no answer.
        read: how many tokens the model says that it has read; None if it does not.
        only_thought: whether it thought, and neither said nor called anything.
        streamed: whether the answer was streamed; some gateways send it whole.
        first_way: the way of the first request.
        dialect: the options that the endpoint refused, and takes instead.
    """

    status_code: int
    message: str
    code: str
    param: str
    kind: Kind
    model: str
    text: str | None
    read: int | None
    only_thought: bool
    streamed: bool
    first_way: Way
    dialect: Dialect

    @property
    def answered(self) -> bool:
        """Whether there was an answer, streamed or whole."""
        return self.text is not None

    @property
    def left_tool_out(self) -> bool:
        """Whether the model read too little to have been shown the tool."""
        return self.read is not None and 0 < self.read < _TOKENS_OF_TOOL

    @property
    def calls_as_text(self) -> bool:
        """Whether it wrote a call of the tool as text."""
        return writes_call(self.text or "", [_TOOL["name"]])


async def ask_model(
    session: aiohttp.ClientSession, settings: ModelSettings, headers: Mapping[str, str]
) -> ModelAnswer:
    """Ask, and follow the refusals that the chat follows.

    Raises:
        UnreachableError: no answer in time, or none at all.
    """
    dialect = Dialect.of(settings.endpoint, settings.model_api)
    first_way, streamed = dialect.way, True
    for attempt in range(_MAX_TRIES):
        way = dialect.way
        body = dialect.shaped(_body(settings, way))
        if not streamed:
            body = unstreamed(body)
        url = _url(settings, way)
        wait = min(settings.model_timeout, _SECONDS)
        answer = await fetch(session, "POST", url, headers=dict(headers), json=body, seconds=wait)
        read = _read(answer, first_way, dialect)
        if answer.status == 200 and streamed and not answer.text.strip():
            streamed = False
        elif answer.status == 200 or attempt + 1 == _MAX_TRIES or not dialect.learn(read, way, body):
            break
    return read


def _url(settings: ModelSettings, way: Way) -> str:
    endpoint, name = settings.endpoint, settings.model_name
    if way == "dated":
        path = f"openai/deployments/{name}/chat/completions?api-version={endpoint.api_version}"
        return f"{endpoint.resource_url}/{path}"
    return f"{endpoint.base_url}/{'responses' if way == 'responses' else 'chat/completions'}"


def _body(settings: ModelSettings, way: Way) -> dict[str, Any]:
    effort, limit = settings.reasoning_effort, settings.max_output_tokens
    body: dict[str, Any] = {"model": settings.model_name, "stream": True, "temperature": settings.temperature}
    if way == "responses":
        body |= {
            "input": [_QUESTION],
            "tools": [{"type": "function", "strict": False, **_TOOL}],
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": effort} if effort else None,
            "max_output_tokens": limit,
        }
    else:
        body |= {
            "messages": [_QUESTION],
            "tools": [{"type": "function", "function": _TOOL}],
            "stream_options": {"include_usage": True},
            "reasoning_effort": effort,
            "max_completion_tokens": limit,
        }
    return {name: value for name, value in body.items() if value is not None}


def _read(answer: Answer, first_way: Way, dialect: Dialect) -> ModelAnswer:
    events = _events(answer.text) if answer.status == 200 else []
    failure = next((error for event in events if (error := error_in(event))), None)
    error = failure or error_in(_json(answer.text)) or {}
    streamed = failure is None and any(event.get("choices") or event.get("type") in _ENDS for event in events)
    text = "".join(map(_said, events)) if streamed else None
    if not events and not error and (whole := _whole(answer)) is not None:
        events, text = [whole], _said_whole(whole)
    model = next((name for event in events if (name := _model(event))), "")
    message, code, param = (_line(error.get(name)) for name in ("message", "code", "param"))
    kind = kind_of(None if answer.status == 200 else answer.status, error)
    read = next((count for event in reversed(events) if (count := _read_tokens(event))), None)
    silent = text is not None and not text.strip() and any(map(_thinks, events))
    only_thought = silent and not any(map(_calls, events))
    said = (answer.status, message, code, param, kind, _line(model), text, read, only_thought)
    return ModelAnswer(*said, streamed, first_way, dialect)


def _whole(answer: Answer) -> dict[str, Any] | None:
    """Return an answer that came whole in place of a stream, as some gateways send it and the chat reads."""
    value = answer.json if answer.status == 200 else None
    return value if value is not None and (value.get("choices") or value.get("output")) else None


def _said_whole(value: Mapping[str, Any]) -> str:
    """Return the text of a whole answer."""
    choices, output = value.get("choices"), value.get("output")
    first = choices[0] if isinstance(choices, list) and choices else None
    messages = [first.get("message")] if isinstance(first, Mapping) else output
    listed = messages if isinstance(messages, list) else []
    contents = [message.get("content") for message in listed if isinstance(message, Mapping)]
    return "".join(map(_text_of, contents))


def _text_of(content: Any) -> str:
    """Return the text of a message's content, which may be in parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _events(text: str) -> list[dict[str, Any]]:
    lines = (line for line in text.splitlines() if line.startswith("data:"))
    events = (_json(line.removeprefix("data:")) for line in lines)
    return [event for event in events if isinstance(event, dict)]


def _json(text: str) -> Any:
    """Return the JSON value of a text; None if the text is not JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _model(event: Mapping[str, Any]) -> str:
    response = event.get("response")
    return str((response if isinstance(response, Mapping) else event).get("model") or "")


def _read_tokens(event: Mapping[str, Any]) -> int | None:
    response = event.get("response")
    usage = (response if isinstance(response, Mapping) else event).get("usage")
    if not isinstance(usage, Mapping):
        return None
    count = usage.get("prompt_tokens", usage.get("input_tokens"))
    return count if isinstance(count, int) else None


def _said(event: Mapping[str, Any]) -> str:
    """Return what an event adds to the text of the answer."""
    if event.get("type") == "response.output_text.delta":
        return str(event.get("delta") or "")
    return str(_delta(event).get("content") or "")


def _thinks(event: Mapping[str, Any]) -> bool:
    """Tell whether an event brings a thought."""
    kinds = ("response.reasoning_text.delta", "response.reasoning_summary_text.delta")
    delta = _delta(event)
    return event.get("type") in kinds or bool(delta.get("reasoning") or delta.get("reasoning_content"))


def _calls(event: Mapping[str, Any]) -> bool:
    """Tell whether an event brings a call of a tool."""
    item = event.get("item")
    return bool(_delta(event).get("tool_calls")) or (
        isinstance(item, Mapping) and item.get("type") == "function_call"
    )


def _delta(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a chunk of Chat Completions adds; a whole answer, too. Other events: {}."""
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    delta = choice.get("delta", choice.get("message")) if isinstance(choice, Mapping) else None
    return delta if isinstance(delta, Mapping) else {}


def _line(value: object) -> str:
    """Return a provider's text as one line that does nothing to a terminal."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in re.sub(r"\s+", " ", text[:_LONGEST]))
