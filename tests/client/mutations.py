"""Mutations of good answers: what an `Answer` changes of one, and strategies that make such answers."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from hypothesis import strategies as st

__all__ = ["GOOD", "LONG_RETRY", "METHODS", "Answer", "plans"]

LONG_RETRY = "30000"
"""Milliseconds that a server may ask for before its stream is gone on with; no caller here waits so long."""

METHODS = [
    *("initialize", "notifications/initialized", "server/discover", "subscriptions/listen"),
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    *("resources/list", "resources/read"),
    "answer",
    "GET",
    "resumed",
    "DELETE",
]
"""What the server is asked: methods, the client's answers to its questions, and other kinds of requests."""

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


GOOD = Answer()


def _dumped(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    return json.dumps(value).encode()


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


fractions = st.floats(0, 1, exclude_max=True, width=16)
odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, False, 0, -1, 1, 1.5, 2**31, 2**63, 2**80, -(2**80), 1e308, float("nan"),
        float("inf"), "",
        "x", "true", "cut \ud83d", "\udc00", "\0", "a\u2028b\x85c", "x" * 3000, [], {}, [None],
        [[]], [1, 2],
        {"a": None}, {"type": "text"}, {"type": "json", "json": {}}, {"type": "object"},
        {"$ref": "#"}, ["object"],
        {"type": "resource", "resource": {"uri": "Invoice 12.pdf", "text": "x"}},
        {"type": "image", "data": "?"},
        {"type": "resource_link", "uri": "users/me", "name": "me"}, {"name": None}, {"properties": None},
    ]
)  # fmt: skip
messages: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}},
        {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "loud"}},
        {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 3, "progress": 1}},
        {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": None}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "q1"}},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}},
        {"jsonrpc": "2.0", "method": "notifications/unknown", "params": {}},
        {"jsonrpc": "2.0", "method": 5},
        {"jsonrpc": "2.0", "id": "p1", "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": "x1", "method": "x/custom", "params": {}},
        {"jsonrpc": "2.0", "id": "r1", "method": "roots/list"},
        {"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {
            "message": "Who?",
            "requestedSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}},
        {"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {
            "mode": "url", "message": "Go", "url": "https://example.com", "elicitationId": "e"}},
        {"jsonrpc": "2.0", "id": "q2", "method": "elicitation/create", "params": {"message": None}},
        {"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {
            "messages": [{"role": "user", "content": {"type": "text", "text": "x"}}], "maxTokens": 5}},
        {"jsonrpc": "2.0", "id": "s2", "method": "sampling/createMessage", "params": {"messages": "x"}},
        {"jsonrpc": "2.0", "id": 999, "result": {}},
        {"jsonrpc": "2.0", "id": 999, "error": {"code": -1, "message": "other"}},
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "unreadable"}},
        {"jsonrpc": "2.0", "id": 999, "method": "ping", "result": {}},
        {"jsonrpc": "2.0", "id": 999, "method": "ping", "error": {"code": 1, "message": "x"}},
        {"jsonrpc": "2.0", "id": "x", "result": {}, "error": {"code": 1, "message": "x"}},
        {"jsonrpc": "1.0", "id": 7, "method": "ping"},
        [], {}, None, 7, "ping", b"ping", b"{oops", b"\xff\xfe", b'{"a": "\\ud800"}',
        b"[" * 400 + b"]" * 400,
    ]
)  # fmt: skip
members = st.sampled_from(
    [
        {"id": None}, {"id": 999}, {"id": -1}, {"id": True}, {"id": 1.0}, {"id": "1"}, {"id": {}},
        {"jsonrpc": "1.0"},
        {"method": "ping"}, {"method": "notifications/message"}, {"error": None}, {"error": {}},
        {"error": "broken"},
        {"error": {"code": -32000, "message": "backend is down"}},
        {"error": {"code": "x", "message": None}},
        {"error": {"code": -32050, "message": "x", "data": 1}},
        {"error": {"code": 1, "message": "x", "data": 2}},
        {"error": {"code": 32600, "message": "Session terminated"}}, {"result": None}, {"result": []},
        {"error": {"code": -32000, "message": "Connection closed"}}, {"isError": "false"}, {"isError": 1},
        {"error": {"code": -32042, "message": "url", "data": {"elicitations": [{}]}}}, {"content": None},
        {"content": "plain words"}, {"structuredContent": [1]}, {"structuredContent": None}, {"_meta": 5},
        {"nextCursor": ""}, {"nextCursor": "x"}, {"nextCursor": 5}, {"protocolVersion": "2024-10-07"},
        {"protocolVersion": "2027-03-01"}, {"protocolVersion": 5}, {"capabilities": None},
        {"instructions": "\ud83d"},
        {"messages": None}, {"contents": [{"uri": "x y", "text": 5}]}, {"tools": [None, {}, {"name": 5}]},
        {"resultType": "input_required"}, {"resultType": 5}, {"inputRequests": {"k": {}}},
        {"error": {"code": -32020, "message": "x"}}, {"error": {"code": -32022, "message": "x", "data": {}}},
        {"tools": None}, {"prompts": {}}, {"resources": "x"}, {"task": {}},
    ]
)  # fmt: skip
changes = st.one_of(
    st.builds(AddPart, members, st.booleans()),
    st.builds(SetPart, fractions, odd_values),
    st.builds(DropPart, fractions),
    st.builds(Batch, st.lists(messages, max_size=2).map(tuple), st.booleans()),
    st.builds(Deep, st.integers(150, 260) | st.sampled_from([3, 60, 900]), st.booleans()),
    st.just(lambda _: {"jsonrpc": "2.0", "method": "notifications/message"}),
)
raw_texts = st.sampled_from(
    [
        b"", b" ", b"\n", b"null", b"{}", b"[]", b"[[]]", b"true", b"7", b'"x"', b"{oops",
        b"<html>sign in</html>",
        b"data: {}\n\n", b"\0", b"\xff\xfe\xfd", b"[" * 3000, b"1" * 5000, b"-", b"1e999", b"NaN",
        b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no such session"}}',
        b'{"error":"invalid_token","error_description":"session expired"}', b'{"detail":[{"msg":"x"}]}',
    ]
)  # fmt: skip
double_members = st.sampled_from(
    [b'"id":999', b'"result":{}', b'"result":null', b'"error":{"code":1,"message":"x"}', b'"method":"ping"',
     b'"n":' + b"9" * 5000, b'"n":1e999', b'"n":"\\ud800"', b'"\\ud800":1', b'"id":1e400']
)  # fmt: skip
text_changes = st.one_of(
    st.builds(Replace, raw_texts),
    st.builds(Truncate, fractions),
    st.builds(Splice, fractions, st.integers(0, 3), st.binary(max_size=3)),
    st.builds(DoubleKey, double_members, st.booleans()),
)
kinds = st.sampled_from(
    [
        (), ("text/plain",), ("text/html; charset=utf-8",), ("application/json; charset=latin-1",),
        ("",), ("x",),
        ("APPLICATION/JSON",), ("application/json", "text/html"), ("text/event-stream", "application/json"),
        ("application/json, text/event-stream",), ("text/event-stream;charset=utf-8",),
        ("text/event-stream",),
        ("application/json",), ("application/problem+json",), ("ä/ö",), (";;;",),
        ("application/json;" + "x" * 3000,),
    ]
)  # fmt: skip
extra_headers = st.sampled_from(
    [
        ("Mcp-Session-Id", "other"), ("Retry-After", "7"), ("Retry-After", "soon"), ("Location", "/mcp"),
        ("Location", "http://127.0.0.1:1/mcp"), ("Location", "https://login.example/"),
        ("Location", "http://["),
        ("Location", ""), ("Location", "//"), ("Location", "/mcp\xe4"), ("Content-Encoding", "br"),
        ("WWW-Authenticate", 'Bearer error="insufficient_scope", scope="a b"'),
        ("WWW-Authenticate", "Bearer,,=,"),
        ("WWW-Authenticate", 'Bearer error="invalid_token", scope="\\'), ("Set-Cookie", "a=b"),
        ("X", "x" * 5000),
        ("Content-Length", "5"), ("Transfer-Encoding", "gzip"), ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Content-Encoding", "gzip"), ("Content-Encoding", "identity"), ("X-\xe4", "\xff"),
        ("Trailer", "x"),
    ]
)  # fmt: skip
sessions = st.sampled_from(
    [None, "", " ", "\xe4\xf6", "a b", "a,b", "x" * 5000, "\x01", "\t", "s2", "\x7f", "%00", '"s"']
)
statuses = st.sampled_from(
    [
        100, 101, 103, 199, 200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 307,
        308, 400, 400, 401,
        401, 402, 403, 404, 404, 405, 406, 408, 409, 410, 413, 415, 421, 422, 429, 431, 451, 499,
        500, 501, 502, 503, 504,
        511, 599, 600, 999,
    ]
)  # fmt: skip
field_lists = st.lists(
    st.sampled_from(
        [
            "event: message", "event: message", "event", "event: endpoint", "event: keepalive",
            "id: 1", "id: e-2", "id:",
            "id", "id: \u00e4", "id: \0", "retry: 1", "retry: 5", "retry: 0", "retry: x",
            "retry: -1", "retry: 1.5",
            "retry: \u0663", f"retry: {LONG_RETRY}", "retry: " + "9" * 5000, ": comment", ":",
            "data", "data: ", "x: y",
            " data: x", "id: 1\nretry: 1", "id: \ud800",
        ]
    ),
    max_size=4,
).map(tuple)  # fmt: skip

_OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "status": statuses,
    "kinds": kinds,
    "headers": st.lists(extra_headers, min_size=1, max_size=2).map(tuple),
    "session": sessions,
    "event_fields": field_lists,
    "line_end": st.sampled_from(["\r\n", "\r"]),
    "last_blank": st.just(False),
    "before": st.lists(messages, min_size=1, max_size=3).map(tuple),
    "after": st.lists(messages, min_size=1, max_size=2).map(tuple),
    "without_answer": st.just(True),
    "message": st.lists(changes, min_size=1, max_size=2).map(tuple),
    "text": st.lists(text_changes, min_size=1, max_size=2).map(tuple),
    "coding": st.sampled_from(
        ["gzip", "gzip, broken", "gzip, false", "deflate", "gzip, gzip", "latin-1", "utf-16", "bom"]
    ),
    "length": st.sampled_from(["long", "short", "chunked", "chunked", "cut", "none"]),
    "cuts": st.lists(fractions, min_size=1, max_size=4).map(lambda cuts: tuple(sorted(cuts))),
    "end": st.sampled_from(["close", "reset", "keep", "stall"]),
    "late": st.sampled_from([0.002, 0.02]),
    "stall": st.just(True),
}


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Return a good answer of which a few things are changed."""
    chosen = draw(st.lists(st.sampled_from(sorted(_OPTIONS)), min_size=1, max_size=4, unique=True))
    if "stall" in chosen and draw(st.integers(0, 2)):  # a third of them: each costs its whole deadline
        chosen.remove("stall")
    options = {name: draw(_OPTIONS[name]) for name in chosen}
    return Answer(events=draw(st.booleans()), **options)


plans = st.dictionaries(
    st.sampled_from([*METHODS, *["tools/call", "tools/list", "resumed"] * 2]),
    st.lists(answers(), min_size=1, max_size=3),
    min_size=1,
    max_size=3,
)
"""By method: the answers to its first requests; all others are good."""
