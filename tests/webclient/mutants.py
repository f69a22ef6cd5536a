"""What models, gateways and networks make of a good stream, as hypothesis draws it."""

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from tests.webclient.standin import Ending, Turn, streamed

__all__ = ["turns"]

NAMES = ["Tools-note", "Tools-look_up", "Tools-pay"]
ODD_NAMES: list[Any] = [
    "", "note", "Tools-", "-note", "Tools.note", "Tools-unknown", "Others-note", "functions.Tools-note",
    "multi_tool_use.parallel", "Tools-note ", "tools-note", "Tools-note\x00", "Tools-" + "n" * 70, "n" * 2000,
    "T\u00f6ols-note", "\ud800", None, 7, {}, ["Tools-note"],
]  # fmt: skip
ODD_IDS: list[Any] = ["call_1", "", None, 7, {}, "c" * 41, "c" * 400, "call 1", "\u2603", "\udfff", "\x00"]
ARGUMENTS = [
    '{"text": "a b"}',
    '{"text": "\u00fc", "more": [1, 2]}',
    "{}",
    '{"amount": 12345678901234567890123}',
]
ODD_ARGUMENTS: list[Any] = [
    "", " ", "null", "[]", "7", '"text"', "{", '{"text": "a', '{"text": "a"}}', '{"a": 1}{"b": 2}',
    "{'a': 1}",
    '{"a": NaN}', '{"a": 1e999}', '{"a": -0.0}', '{"a": 1.0}', '{"a": 1e22}', '{"a": ' + "9" * 5000 + "}",
    '{"a": "\\ud800"}', '{"\\udc00": 1}', '{"a": "\\u0000"}', '{"a": 1, "a": 2}', '{"": {"__proto__": 1}}',
    '{"a": ' + "[" * 150 + "]" * 150 + "}", "[" * 3000, '```json\n{"a": 1}\n```', "\ufeff{}", None, 7,
    {}, {"a": 1},
    '{"text": "' + "x" * 120_000 + '"}',
]  # fmt: skip
TEXTS = [
    "Hello",
    " world",
    "\n\n",
    "**bo",
    "ld**",
    "<b>",
    "\u00e9\U0001f600",
    "`",
    "| a |\n|---|\n",
    "data: x\n\n",
]
ODD_TEXTS: list[Any] = [
    "", " ", "\n", "\x00", "\ud83d", "\ude00", "\u202e", "\u2028", "\r\n", None, 7, [], {},
    [{"type": "text", "text": "a"}], "x" * 50_000,
]  # fmt: skip
FINISHES: list[Any] = [
    "length", "content_filter", "function_call", "eos", "", "tool_calls", "stop", None, 7, {}, "x" * 500,
]  # fmt: skip
JUNK: list[Any] = [None, "", "x", 0, -1, 10**30, 1.5, True, [], {}, [None], {"a": None}, "\ud800"]
RAW_EVENTS = [
    "", "{", "[]", "null", "7", '"x"', "[DONE", "{}", '{"choices": null}', '{"choices": [null]}', "NaN",
    '{"choices": [{}]}', '{"choices": [{"index": 0, "delta": null}]}', '{"error": null}', '{"error": "x"}',
    '{"error": {"message": "The server had an error.", "code": "server_error", "type": "server_error"}}',
    '{"error": {"message": "filtered", "code": "content_filter"}}', '{"error": {}}', '{"error": [1]}',
    '{"object": "error", "message": "x"}', "<html>", "[" * 5000,
]  # fmt: skip
RAW_LINES = [
    b": keep-alive\n\n", b"\n\n", b"event: ping\n\n", b"event: error\ndata: {}\n\n", b"id: 7\n",
    b"retry: 0\n",
    b"data\n\n", b"data:\n\n", b"\xff\xfe\n", b"\xef\xbb\xbf", b"nonsense\n\n", b"\x00",
    b"event: thread.error\ndata: {}\n\n", b"data: {\ndata: }\n\n",
]  # fmt: skip

BAD_STATUSES = [301, 304, 307, 400, 401, 403, 404, 408, 409, 413, 418, 422, 429, 429, 429, 451, 501, 503, 599]
WHOLE = b'{"object": "chat.completion", "choices": [{"message": {"role": "assistant", "content": "Whole."}}]}'
PAGES = [
    (b"", "text/plain"), (b"<html><h1>Sign in</h1></html>", "text/html"), (b"{}", "application/json"),
    (b"[]", "application/json"), (b"null", "application/json"), (b"\xff\xfe\x00", "application/json"),
    (b'{"error": null}', "application/json"), (b'{"error": "no"}', "application/json"),
    (b'{"error": {"code": 7, "message": null}}', "application/json"),
    (b'{"error": {"code": "content_filter", "message": "filtered"}}', "application/json"),
    (b'{"error": {"code": "context_length_exceeded", "message": "long"}}', "application/json"),
    (b'{"error": {"code": "insufficient_quota", "message": "quota"}}', "application/json"),
    (b'{"error": {"code": [], "innererror": {}, "message": {"a": 1}}}', "application/json"),
    (b'{"statusCode": 429, "message": "Rate limit is exceeded."}', "application/json"),
    (WHOLE, "application/json"),
    (b"upstream connect error", "text/plain; charset=x-unknown"), (b"x" * 100_000, "text/html"),
]  # fmt: skip
RETRY_AFTER = [
    "0", "7", "-1", "1.5", "1e3", "inf", "nan", "", "soon", "99999999999999999999",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT", "Wed, 21 Oct 2015", "31 Dec 99999 00:00:00", "P1D", "\u0667", "1,2",
]  # fmt: skip
ENDINGS: tuple[Ending, ...] = (*("whole",) * 9, "cut", "cut", "cut", "hang")


def _some(usual: list[Any], odd: list[Any]) -> st.SearchStrategy[Any]:
    """Draw usual values mostly."""
    return st.one_of(st.sampled_from(usual), st.sampled_from(usual), st.sampled_from(odd))


def _split(text: str, cuts: list[int]) -> list[str]:
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[begin:end] for begin, end in pairwise(places)] or [""]


@st.composite
def _call_deltas(draw: st.DrawFn, index: int) -> list[dict[str, Any]]:
    """Draw one tool call in parts, as a stream brings it."""
    arguments = draw(_some(ARGUMENTS, ODD_ARGUMENTS))
    parts = [arguments]
    if isinstance(arguments, str):
        parts = _split(arguments, draw(st.lists(st.integers(0, 200), max_size=3)))
    place = draw(_some([index], [0, 1, 7, None, -1, 10**6, "0"]))
    name, call_id = draw(_some(NAMES, ODD_NAMES)), draw(_some([f"call_{index}x"], ODD_IDS))
    kind = draw(_some(["function"], [None, "custom", "", 7]))
    first = {"index": place, "id": call_id, "type": kind, "function": {"name": name, "arguments": parts[0]}}
    left_out = draw(_some([None], ["index", "id", "type", "function"]))
    first.pop(left_out or "", None)
    later = [{"index": place, "function": {"arguments": part}} for part in parts[1:]]
    return [{"tool_calls": [part]} for part in [first, *later]]


@st.composite
def _chunks(draw: st.DrawFn) -> list[Any]:
    """Draw a stream of chunks whose parts are mostly good."""
    deltas: list[dict[str, Any]] = [
        {"role": draw(_some(["assistant"], [None, "", "tool", "user", 7])), "content": ""}
    ]
    deltas += [{"content": text} for text in draw(st.lists(_some(TEXTS, ODD_TEXTS), max_size=4))]
    many = draw(_some([0, 1, 2], [0, 3, 5]))
    for index in range(many):
        deltas += draw(_call_deltas(index))
    if draw(_some([False], [True])):
        deltas.append({"refusal": draw(st.sampled_from(["I cannot help with that.", "", None, 7, "\ud800"]))})
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    finish = draw(_some(["tool_calls" if many else "stop"], FINISHES))
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    whole = [{**head, "choices": [choice]} for choice in choices]
    usage = draw(
        st.sampled_from([None, {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}, *JUNK])
    )
    return whole + ([{**head, "choices": [], "usage": usage}] if usage is not None else [])


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to everything in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, each in inner for place in _places(each, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(value[path[0]], path[1:], other)
    return copy


@st.composite
def _mutated(draw: st.DrawFn) -> list[Any]:
    """Draw a stream of chunks; some are left out, doubled, moved, damaged or put in between."""
    chunks = draw(_chunks())
    for _ in range(draw(_some([0], [1, 2]))):
        place = draw(st.integers(0, max(len(chunks) - 1, 0)))
        match draw(st.sampled_from(["drop", "double", "move", "damage", "between"])) if chunks else "between":
            case "drop":
                del chunks[place]
            case "double":
                chunks.insert(place, chunks[place])
            case "move":
                chunks.insert(0, chunks.pop(place))
            case "damage":
                path = draw(st.sampled_from(_places(chunks[place])))
                chunks[place] = _replaced(chunks[place], path, draw(st.sampled_from(JUNK)))
            case "between":
                chunks.insert(place, draw(st.sampled_from(RAW_EVENTS)))
    return chunks


@st.composite
def _streams(draw: st.DrawFn) -> Turn:
    body = streamed(*draw(_mutated()), done=draw(_some([True], [False])))
    if draw(_some([False], [True])):
        body = body.replace(b"\n", draw(st.sampled_from([b"\r\n", b"\r"])))
    if draw(_some([False, False], [True])):
        line, events = draw(st.sampled_from(RAW_LINES)), body.split(b"data: ")
        place = draw(st.integers(0, len(events) - 1))
        body = b"data: ".join(events[:place]) + line + b"data: " + b"data: ".join(events[place:])
    ending = draw(st.sampled_from(ENDINGS))
    if ending != "whole" or draw(_some([False, False], [True])):
        body = body[: draw(st.integers(0, len(body)))]
    cuts = draw(st.lists(st.integers(0, len(body)), max_size=3))
    places = sorted({0, len(body), *cuts})
    pieces = tuple(body[begin:end] for begin, end in pairwise(places))
    content_type = draw(
        _some(["text/event-stream"], ["text/event-stream; charset=utf-8", "application/json", "x"])
    )
    headers = [("Content-Type", content_type)]
    if draw(st.integers(0, 30)) == 30:
        headers.append(("Content-Encoding", draw(st.sampled_from(["gzip", "br", "zstd", "x"]))))
    return Turn(
        pieces, headers=tuple(headers), ending=ending, pause=draw(st.sampled_from([0.0, 0.0, 0.0, 0.005]))
    )


@st.composite
def _pages(draw: st.DrawFn) -> Turn:
    """Draw an answer that is no stream: an error, a page, a whole completion."""
    body, content_type = draw(st.sampled_from(PAGES))
    status = draw(st.sampled_from([200, 204, *BAD_STATUSES, *BAD_STATUSES]))
    headers = [("Content-Type", content_type)]
    if draw(st.booleans()):
        headers.append(
            (draw(st.sampled_from(["Retry-After", "retry-after-ms"])), draw(st.sampled_from(RETRY_AFTER)))
        )
    if status in (301, 307):
        headers.append(("Location", draw(st.sampled_from(["/elsewhere", "http://127.0.0.1:1/", "::", ""]))))
    pieces = () if status in (204, 304) else (body,)
    ending: Ending = draw(st.sampled_from(ENDINGS[:-1])) if pieces else "whole"
    return Turn(pieces, status, tuple(headers), ending)


def turns() -> st.SearchStrategy[Turn]:
    """Draw an answer, mostly a stream."""
    return st.one_of(_streams(), _streams(), _streams(), _pages())
