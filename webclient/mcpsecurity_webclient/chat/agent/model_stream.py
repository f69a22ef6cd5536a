"""What a model's endpoint streams, read at one place: each chunk is taken as far as it makes sense.

The wire format is that of Chat Completions (https://platform.openai.com/docs/api-reference/chat-streaming),
as Azure OpenAI, its gateways and compatible servers write it: with chunks that are no JSON, without ids or
indexes, with half a surrogate pair, or with something that is no stream at all.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import orjson

from mcpsecurity_webclient.errors import NotAStreamError, ProviderError

__all__ = ["AnswerReader", "EventSplitter", "whole_characters"]

_MAX_EVENT = 4 * 2**20
_MAX_PREFACE = 2**16
_MAX_CHARACTERS = 1_000_000
"""Azure OpenAI takes no message back that is longer than 1,048,576."""
_MAX_CALLS = 128
_SHORT = 100
_COUNTS = ("prompt_tokens", "completion_tokens")
_HIGH_SURROGATES = ("\ud800", "\udbff")


class EventSplitter:
    """Splits a body into the data of its Server-Sent Events. `empty` tells whether nothing came at all."""

    def __init__(self) -> None:
        self.empty = True
        self._any = False
        self._rest = b""
        self._data: list[str] = []
        self._waiting = 0

    def feed(self, piece: bytes) -> list[str]:
        """Take bytes; return the data of the events that they complete.

        Raises:
            NotAStreamError: there is no event in the first 64 KiB, or one is longer than 4 MiB.
        """
        self.empty = self.empty and not piece
        *lines, self._rest = _lines(self._rest + piece)
        found = [data for line in lines if (data := self._take(line)) is not None]
        if self._waiting + len(self._rest) > (_MAX_EVENT if self._any or self._data else _MAX_PREFACE):
            raise NotAStreamError
        return found

    def end(self) -> list[str]:
        """Return the data of an event that nothing ended."""
        last = [self._take(line) for line in (self._rest.decode(errors="replace").rstrip("\r"), "")]
        return [data for data in last if data is not None]

    def _take(self, line: str) -> str | None:
        if line:
            self._waiting += 0 if line.startswith(":") else len(line)
        if line.startswith("data:"):
            self._data.append(line[5:].removeprefix(" "))
        if line or not self._data:
            return None
        data = "\n".join(self._data)
        self._any, self._data, self._waiting = True, [], 0
        return data


def _lines(text: bytes) -> tuple[Any, ...]:
    """Return the lines that are complete, and the rest as bytes."""
    lines = text.splitlines(keepends=True)
    rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
    return *(line.decode(errors="replace").rstrip("\r\n").removeprefix("\ufeff") for line in lines), rest


@dataclass(slots=True)
class _Call:
    index: Any
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class AnswerReader:
    """One answer, put together from its chunks.

    `finish` is why it ended, in the endpoint's words; `unreadable` counts chunks that are no JSON, `chunks`
    the others. A reader that is `full` takes no more.
    """

    def __init__(self) -> None:
        self.finish: str | None = None
        self.usage: dict[str, int] = {}
        self.model: str | None = None
        self.chunks = 0
        self.unreadable = 0
        self.full = False
        self._calls: list[_Call] = []
        self._characters = 0
        self._text, self._refusal = _Joined(), _Joined()

    def read(self, data: str) -> tuple[str, str]:
        """Take the data of an event; return what it adds to the text and to the refusal.

        Raises:
            ProviderError: it is an error.
        """
        chunk = _json_of(data)
        if not isinstance(chunk, dict):
            self.unreadable += 1
            return "", ""
        if chunk.get("error"):
            raise ProviderError(chunk["error"])
        self.chunks += 1
        self._read_head(chunk)
        choice = _choice_of(chunk)
        if self.finish is None and (reason := choice.get("finish_reason")) and isinstance(reason, str):
            self.finish = _short(reason)
        said = choice.get("delta") or choice.get("message")
        return self._read_delta(said) if isinstance(said, dict) else ("", "")

    def end(self) -> tuple[str, str]:
        """Return what is left of the text and of the refusal when nothing more comes."""
        return self._text.end(), self._refusal.end()

    def calls(self) -> list[tuple[str, str, str]]:
        """Return id, name and arguments of each call, as the model wrote them."""
        texts = [(call.id, call.name, "".join(call.arguments)) for call in self._calls]
        return [(whole_characters(i), whole_characters(n), whole_characters(a)) for i, n, a in texts]

    def _read_head(self, chunk: dict[str, Any]) -> None:
        if isinstance(model := chunk.get("model"), str) and model:
            self.model = _short(model)
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage |= {name: usage[name] for name in _COUNTS if _is_count(usage.get(name))}

    def _read_delta(self, delta: dict[str, Any]) -> tuple[str, str]:
        text, refusal = _text_of(delta.get("content")), _text_of(delta.get("refusal"))
        calls = delta.get("tool_calls")
        for made in calls if isinstance(calls, list) else [calls]:
            if isinstance(made, dict):
                self._read_call(made)
        if isinstance(made := delta.get("function_call"), dict):  # what came before `tool_calls`
            self._read_call({"index": "function_call", "function": made})
        self._characters += len(text) + len(refusal)
        if self._characters > _MAX_CHARACTERS:
            self.full, self.finish = True, "length"
        return self._text.add(text), self._refusal.add(refusal)

    def _read_call(self, made: dict[str, Any]) -> None:
        function = made.get("function") or made.get("custom")
        function = function if isinstance(function, dict) else {}
        name, arguments = _text_of(function.get("name")), function.get("arguments", function.get("input"))
        call = self._call(made.get("index"), _text_of(made.get("id")), name)
        call.id, call.name = call.id or _text_of(made.get("id")), call.name or name
        if isinstance(arguments, dict | list):
            arguments = json.dumps(arguments)
        if isinstance(arguments, str):
            call.arguments.append(arguments)
            self._characters += len(arguments)

    def _call(self, index: Any, call_id: str, name: str) -> _Call:
        """Return the call that a piece belongs to; one with another id is another, whatever its index."""
        for call in reversed(self._calls):
            same_place = call.index == index if index is not None else (not call_id or call.id == call_id)
            if same_place and not (call_id and call.id and call_id != call.id and name):
                if index is None and not call_id and name and call.name:
                    break
                return call
        if len(self._calls) >= _MAX_CALLS:
            self.full, self.finish = True, "length"
            return _Call(index)
        self._calls.append(_Call(index))
        return self._calls[-1]


class _Joined:
    """Text in pieces, of which one may end in the middle of a character."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, piece: str) -> str:
        text = self._held + piece
        self._held = ""
        if text and _HIGH_SURROGATES[0] <= text[-1] <= _HIGH_SURROGATES[1]:
            text, self._held = text[:-1], text[-1]
        return whole_characters(text)

    def end(self) -> str:
        held, self._held = self._held, ""
        return whole_characters(held)


def whole_characters(text: str) -> str:
    """Return text with surrogate pairs joined, and U+FFFD for half a pair."""
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _json_of(data: str) -> Any:
    try:
        return orjson.loads(data)
    except ValueError:  # also for half a surrogate pair and numbers beyond 64 bits, which Python's own reads
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None


def _choice_of(chunk: dict[str, Any]) -> dict[str, Any]:
    choices = chunk.get("choices")
    found = choices if isinstance(choices, list) else []
    first = (choice for choice in found if isinstance(choice, dict) and choice.get("index") in (0, None))
    return next(first, {})


def _text_of(content: Any) -> str:
    """Return text, also of a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _short(text: str) -> str:
    printable = "".join(character for character in text[:_SHORT] if character.isprintable())
    return whole_characters(printable).strip()
