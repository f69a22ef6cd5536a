"""Answers of a server, good and mutated: what an `Answer` changes of a good one."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

__all__ = [
    "LONG_RETRY",
    "AddPart",
    "Answer",
    "Batch",
    "Deep",
    "DoubleKey",
    "DropPart",
    "Replace",
    "SetPart",
    "Splice",
    "Truncate",
]

LONG_RETRY = "30000"
"""Milliseconds that a server may ask for before its stream is gone on with; no caller here waits so long."""

Change = Callable[[Any], Any]
TextChange = Callable[[bytes], bytes]


@dataclass(frozen=True, repr=False)
class Answer:
    """How the server answers one request; the defaults are a good answer."""

    status: int = 200
    kinds: tuple[str, ...] | None = None
    """Values of Content-Type, one header line each; None is the right one."""
    headers: tuple[tuple[str, str], ...] = ()
    session: str | None = "s1"
    events: bool = False
    line_end: str = "\n"
    event_fields: tuple[str, ...] = ("event: message",)
    last_blank: bool = True
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()
    without_answer: bool = False
    message: tuple[Change, ...] = ()
    text: tuple[TextChange, ...] = ()
    coding: str = ""
    length: str = "exact"
    """Of the body: exact, long, short, chunked, cut (chunked, without an end) or none (until the end)."""
    cuts: tuple[float, ...] = ()
    end: str = "close"
    """What comes after the body: close, reset, keep (the connection) or stall (nothing, for ever)."""
    late: float = 0
    stall: bool = False
    """Never even begin."""

    def __repr__(self) -> str:
        """Name what differs from a good answer."""
        changed = [f for f in fields(self) if getattr(self, f.name) != f.default]
        return f"Answer({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in changed)})"

    @property
    def asks_to_wait(self) -> bool:
        """Whether the stream says to come back later than anyone waits."""
        return self.events and any(f[7:] in (LONG_RETRY, "9" * 5000) for f in self.event_fields)

    @property
    def leaves_waiting(self) -> bool:
        """Whether the connection is kept, and what was sent is not all of a response."""
        return self.end == "keep" and (self.status < 200 or self.length in ("long", "cut", "none"))

    def body(self, message: Any, raw: bool) -> bytes:
        """Return the body; `raw` is for what has none, where changes of the message do not apply."""
        for change in self.message:
            message = change(message)
        text = b"" if raw else _dumped(message)
        for text_change in self.text:
            text = text_change(text)
        return self._stream(text) if self.events else text

    def _stream(self, text: bytes) -> bytes:
        events = [_dumped(other) for other in self.before]
        events += [] if self.without_answer else [text]
        events += [_dumped(other) for other in self.after]
        end = self.line_end.encode()
        named = b"".join(field.encode("utf-8", "surrogatepass") + end for field in self.event_fields)
        blocks = [
            named + b"".join(b"data: " + line + end for line in event.split(b"\n")) + end for event in events
        ]
        if not blocks:
            blocks = [named + b"data: " + end + end]
        stream = b"".join(blocks)
        return stream if self.last_blank else stream[: -len(end)]

    def encoded(self, body: bytes) -> bytes:
        """Return the body in its coding, or one that is broken."""
        match self.coding:
            case "gzip":
                return gzip.compress(body, 1)
            case "gzip, broken":
                packed = gzip.compress(body, 1)
                return packed[: max(len(packed) // 2, 1)]
            case "gzip, false":
                return body
            case "deflate":
                return zlib.compress(body)
            case "gzip, gzip":
                return gzip.compress(gzip.compress(body, 1), 1)
            case "latin-1":
                return body.decode("utf-8", "replace").encode("latin-1", "replace")
            case "utf-16":
                return body.decode("utf-8", "replace").encode("utf-16")
            case "bom":
                return b"\xef\xbb\xbf" + body
        return body


def _dumped(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value, default=repr).encode()


def paths(value: Any, found: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to each part of a JSON value."""
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    return [found, *(way for key, part in parts for way in paths(part, (*found, key)))]


def _replaced(value: Any, way: tuple[Any, ...], change: Callable[[Any, Any], None], new: Any) -> Any:
    if not way or not isinstance(value, dict | list):
        return new
    value = json.loads(json.dumps(value))
    inner = value
    for key in way[:-1]:
        inner = inner[key]
    change(inner, way[-1])
    return value


@dataclass(frozen=True)
class SetPart:
    """Puts another value in the place of a part of a message."""

    where: float
    new: Any

    def __call__(self, message: Any) -> Any:
        ways = paths(message)
        way = ways[int(self.where * len(ways)) % len(ways)]
        return _replaced(message, way, lambda inner, key: inner.__setitem__(key, self.new), self.new)


@dataclass(frozen=True)
class DropPart:
    """Takes a part of a message away."""

    where: float

    def __call__(self, message: Any) -> Any:
        ways = paths(message)
        way = ways[int(self.where * len(ways)) % len(ways)]
        return _replaced(message, way, lambda inner, key: inner.__delitem__(key), None)


@dataclass(frozen=True)
class AddPart:
    """Adds members to the message itself or, `inside`, to its result."""

    members: dict[str, Any]
    inside: bool

    def __call__(self, message: Any) -> Any:
        if not isinstance(message, dict):
            return message
        if self.inside and isinstance(message.get("result"), dict):
            return {**message, "result": {**message["result"], **self.members}}
        return {**message, **self.members}


@dataclass(frozen=True)
class Batch:
    """Sends the message as one of several."""

    others: tuple[Any, ...]
    last: bool

    def __call__(self, message: Any) -> Any:
        return [*self.others, message] if self.last else [message, *self.others]


@dataclass(frozen=True)
class Deep:
    """Puts lists or objects around something inside the result."""

    depth: int
    objects: bool

    def __call__(self, message: Any) -> Any:
        if not isinstance(message, dict) or not isinstance(message.get("result"), dict):
            return message
        inner: Any = 1
        for _ in range(self.depth):
            inner = {"a": inner} if self.objects else [inner]
        return {**message, "result": {**message["result"], "structuredContent": {"a": inner}}}


@dataclass(frozen=True)
class Splice:
    """Changes the text: drops `cut` bytes at a place, and puts others there."""

    where: float
    cut: int
    new: bytes

    def __call__(self, text: bytes) -> bytes:
        place = int(self.where * len(text))
        return text[:place] + self.new + text[place + self.cut :]


@dataclass(frozen=True)
class Truncate:
    """Ends the text early."""

    where: float

    def __call__(self, text: bytes) -> bytes:
        return text[: int(self.where * len(text))]


@dataclass(frozen=True)
class Replace:
    """Sends another text."""

    new: bytes

    def __call__(self, _: bytes) -> bytes:
        return self.new


@dataclass(frozen=True)
class DoubleKey:
    """Names a member of the message twice."""

    member: bytes
    first: bool

    def __call__(self, text: bytes) -> bytes:
        if self.first:
            return text.replace(b"{", b"{" + self.member + b",", 1)
        return text[:-1] + b"," + self.member + b"}"
