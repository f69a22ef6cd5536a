"""Strategies of Hypothesis that make mutated answers, and plans for a whole server of them."""

from typing import Any

from hypothesis import strategies as st
from tests.client.mutations import (
    LONG_RETRY,
    AddPart,
    Answer,
    Batch,
    Deep,
    DoubleKey,
    DropPart,
    Replace,
    SetPart,
    Splice,
    Truncate,
)

__all__ = ["plans"]

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
    """Return a good answer with a few changes."""
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
