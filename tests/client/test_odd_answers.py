"""Servers that answer with something else than MCP: each call ends at once, typed, and was made once."""

import asyncio
import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from tests.client.odd import GREETING, Answer, Odd, body, body400, connected, ok, rpc, said, sse, status
from tests.support.eventually import eventually

from mcpsecurity.client import (
    AccessDeniedError,
    BridgeError,
    InsufficientScopeError,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    result_text,
)

ASKED = {"message": "Pay?", "requestedSchema": {"type": "object", "properties": {}}}


def untyped(code: int, raw: bytes) -> Answer:
    """Answer with a body that has no type of its own."""
    return lambda _: web.Response(status=code, body=raw)


async def accept(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    """Answer a question."""
    return types.ElicitResult(action="accept", content={})


UNREADABLE: dict[str, Answer] = {
    "plain text": body("busy", "text/plain"),
    "a page": body("<html>sign in</html>", "text/html"),
    "nothing": body(""),
    "cut JSON": body('{"jsonrpc": "2.0", "id"'),
    "deep JSON": body("[" * 5000 + "]" * 5000),
    "202": status(202),
    "204": status(204),
    "another id": lambda m: web.json_response({**said(m), "id": 999}),
    "no result": lambda m: web.json_response({"jsonrpc": "2.0", "id": m["id"]}),
    "an array as result": lambda m: web.json_response(rpc(m, [1])),
    "a request": lambda m: web.json_response({"jsonrpc": "2.0", "id": m["id"], "method": "ping"}),
    "elsewhere": status(302, Location="https://login.example/"),
    "elsewhere, with the method": status(307, Location="http://127.0.0.1:1/mcp"),
    "an event cut off": lambda _: web.Response(text='data: {"jsonrpc":', content_type="text/event-stream"),
    "a stream without the answer": lambda _: web.Response(text=": hi\n\n", content_type="text/event-stream"),
    "a stream of another answer": lambda m: sse({**said(m), "id": 999}),
    "a result that is no object": lambda m: web.json_response(rpc(m, "done")),
    "elsewhere that is no address": status(307, Location="javascript:1"),
    "elsewhere that is no URL": status(307, Location="http://[::1"),
    "not modified": status(304),
    "plain text called gzip": body("data: x\n\n", "text/event-stream", **{"Content-Encoding": "gzip"}),
    "JSON called gzip": body("{}", **{"Content-Encoding": "gzip"}),
    "gzip cut off": body(
        gzip.compress(b"data: 1\n\n" * 99)[:-9], "text/event-stream", **{"Content-Encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_call_whose_answer_cannot_be_read_ends_typed_and_was_made_once(answer: Answer) -> None:
    server = Odd(call=answer)
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError, match=r"not known whether|not followed|an address|status"):
            await connection.call_tool("pay", {})
        assert await connection.list_prompts() == [], "the connection goes on"
    assert server.methods.count("tools/call") == 1
    assert server.methods.count("initialize") == 1


def events_of(message: dict[str, Any]) -> str:
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
    return "".join(f"event: message\ndata: {json.dumps(one)}\n\n" for one in (note, said(message)))


def lines_of(message: dict[str, Any]) -> str:
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}
    return "\n\n".join(json.dumps(one) for one in (note, said(message))) + "\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (events_of, "application/json"),
        (events_of, "application/octet-stream"),
        (lambda m: f"data: data: {json.dumps(said(m))}\ndata: \ndata: \n\n", "text/event-stream"),
        (lambda m: json.dumps(said(m)), "text/event-stream"),
        (lambda m: json.dumps(said(m), indent=2), "text/event-stream; charset=utf-8"),
        (lambda m: json.dumps(said(m)), "application/json, application/json"),
        (lambda m: json.dumps(said(m)), "text/json"),
        (lines_of, "text/event-stream"),
        (lines_of, "application/json"),
        (lines_of, "application/x-ndjson"),
    ],
)
async def test_an_answer_counts_with_any_content_type(text: Callable[[Any], str], kind: str) -> None:
    server = Odd(call=lambda m: web.Response(body=text(m).encode(), headers={"Content-Type": kind}))
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"


async def test_a_call_is_made_once_when_the_answer_to_its_question_is_redirected() -> None:
    question = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": ASKED}

    def ask(message: dict[str, Any]) -> web.Response:
        events = "".join(f"data: {json.dumps(one)}\n\n" for one in (question, said(message)))
        return web.Response(text=events, content_type="text/event-stream")

    answered = asyncio.Event()

    def away(_: dict[str, Any]) -> web.Response:
        answered.set()
        return web.Response(status=302, headers={"Location": "https://login.example/"})

    server = Odd(call=ask, answer=away)
    async with connected(server, elicitation=accept) as connection:
        assert result_text(await connection.call_tool("pay", {})) == "fine"
        await answered.wait()
        assert await connection.list_prompts() == [], "the connection goes on"
    assert (server.methods.count("tools/call"), server.methods.count("initialize")) == (1, 1)


async def test_the_other_calls_go_on_when_one_is_redirected() -> None:
    async with connected(Odd(call=status(302, Location="https://login.example/"))) as connection:
        with pytest.raises(BridgeError, match=r"redirects to https://login\.example"):
            await connection.call_tool("bad", {})
        assert await connection.list_prompts() == []


@pytest.mark.parametrize("path", ["/old", "/older", "/mcp/"])
async def test_a_redirect_within_the_origin_is_followed(path: str) -> None:
    async with connected(Odd(), path) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"


@pytest.mark.parametrize(
    ("code", "to"), [(301, "/elsewhere"), (302, "/login?from=mcp"), (303, "/mcp/"), (307, "/mcp")]
)
async def test_any_other_redirect_is_not_followed_and_said_without_its_query(code: int, to: str) -> None:
    server = Odd(call=status(code, Location=to))
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError, match=r"redirects (to http://127.*[a-z/];|in a circle)"):
            await connection.call_tool("t", {})
    assert server.methods.count("tools/call") == (1 if code != 307 else 5)


def once(answer: Answer) -> Odd:
    """Return a server that answers the first call like this, and the others well."""
    left = [answer]
    return Odd(call=lambda m: left.pop()(m) if left else ok(m))


@pytest.mark.parametrize(
    "answer",
    [
        body400({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "No valid session ID"}}),
        body400({"error": "Invalid or missing session"}),
        body400({"detail": "Server not initialized"}),
        status(400, "Session not found"),
        status(404),
    ],
    ids=["JSON-RPC", "error", "detail", "plain", "404"],
)
async def test_a_session_that_is_denied_is_opened_again_and_the_call_repeated(answer: Answer) -> None:
    server = once(answer)
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods.count("initialize") == 2
    assert server.methods.count("tools/call") == 2


def refused(code: int, text: str) -> Answer:
    """Return an answer of this status with a JSON-RPC error that has the request's id."""
    return lambda m: web.json_response(
        {"jsonrpc": "2.0", "id": m["id"], "error": {"code": -32000, "message": text}}, status=code
    )


@pytest.mark.parametrize(
    ("answer", "sessions"),
    [
        (refused(400, "Your checkout session has expired"), 2),
        (refused(404, "No such order"), 1),
        (refused(404, "Session not found"), 2),
        (status(400), 2),
        (refused(400, "No such order"), 1),
        (refused(500, "Session store is down"), 1),
    ],
)
async def test_a_call_that_may_have_been_taken_is_not_repeated_and_the_next_one_works(
    answer: Answer, sessions: int
) -> None:
    server = once(answer)
    async with connected(server) as connection:
        with pytest.raises((ProtocolError, ServerUnavailableError)):
            await connection.call_tool("pay", {})
        assert server.methods.count("tools/call") == 1
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods.count("initialize") == sessions


async def test_an_error_without_an_id_is_the_calls_and_keeps_its_data() -> None:
    error = {"code": -32042, "message": "visit first", "data": {"elicitations": []}}
    answer = body(json.dumps({"jsonrpc": "2.0", "id": None, "error": error}))
    async with connected(Odd(call=answer)) as connection:
        with pytest.raises(ProtocolError, match="visit first") as caught:
            await connection.call_tool("t", {})
    assert (caught.value.code, caught.value.data) == (-32042, {"elicitations": []})


@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (status(429, Retry_After="7"), ServerUnavailableError, "after 7 s"),
        (
            status(500, '{"error": {"code": 1, "message": "db timeout"}}'),
            ServerUnavailableError,
            "db timeout",
        ),
        (status(422, '{"error": {"code": 1, "message": "no such id"}}'), ProtocolError, "no such id"),
        (status(422, '{"detail": "no such id"}'), ServerUnavailableError, "no such id"),
        (
            status(422, '{"detail": [{"loc": ["body", "n"], "msg": "field required"}, {"msg": "too long"}]}'),
            ServerUnavailableError,
            "body.n: field required; too long",
        ),
        (
            status(409, '{"errors": [{"title": "Conflict", "detail": "no such id"}]}'),
            ServerUnavailableError,
            "no such id",
        ),
        (
            lambda m: web.json_response({"id": m["id"], "error": {"code": "ECONNREFUSED", "message": None}}),
            ProtocolError,
            "ECONNREFUSED",
        ),
        (
            body('event: error\ndata: {"message": "no credit"}\n\n', "text/event-stream"),
            ServerUnavailableError,
            r"It says: no credit\. It is not known",
        ),
        (
            body("event: error\ndata: no credit\n\n", "text/event-stream"),
            ServerUnavailableError,
            "It says: no credit",
        ),
        (status(503, "under maintenance"), ServerUnavailableError, "It says: under maintenance"),
        (status(504, "timed out"), ServerUnavailableError, r"It says: timed out\. It is not known"),
        (status(503, Retry_After="7"), ServerUnavailableError, r"status 503\. Try again after 7 s"),
        (status(500, '{"error": {"error": {"message": "deep"}}}'), ServerUnavailableError, "says: deep"),
        (status(403, '{"Message": "no role"}'), AccessDeniedError, "It says: no role"),
        (body('{"detail": "no key"}'), ServerUnavailableError, r"It says: no key\. It is not known"),
        (body(": hi\n\n", "text/event-stream"), ServerUnavailableError, "ended its answer without a result"),
        (body("{}", **{"Content-Encoding": "gzip"}), ServerUnavailableError, "cannot be decompressed"),
        (untyped(403, b"Only at localhost"), AccessDeniedError, "It says: Only at localhost"),
        (body('{"jsonrpc": "2.0", "id": null, "error": "out of paper"}'), ProtocolError, "out of paper"),
        (body('{"jsonrpc": "2.0", "id": null, "error": ["no ink"]}'), ProtocolError, "no ink"),
        (
            status(307, Location="javascript:1"),
            ServerUnavailableError,
            "redirects to something that is not an address",
        ),
        (status(304), ServerUnavailableError, "HTTP status 304"),
        (
            status(403, WWW_Authenticate="Bearer error=insufficient_scope, scope=mcp:write"),
            InsufficientScopeError,
            "mcp:write",
        ),
        (
            status(401, WWW_Authenticate='Basic realm="x", Bearer error="invalid_token", scope="a b"'),
            SignInRequiredError,
            "a b",
        ),
    ],
    ids=[
        "busy",
        "broken",
        "wrong",
        "detail",
        "details",
        "errors",
        "code",
        "error event",
        "error event in words",
        "plain",
        "gateway",
        "maintenance",
        "nested",
        "Message",
        "success with a reason",
        "no result",
        "no gzip",
        "no type",
        "text",
        "list",
        "no address",
        "not modified",
        "scope",
        "sign-in",
    ],
)
async def test_the_servers_reason_is_told(answer: Answer, kind: type[BridgeError], reason: str) -> None:
    async with connected(Odd(call=answer)) as connection:
        with pytest.raises(kind, match=reason):
            await connection.call_tool("t", {})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404), "There is no MCP server at"),
        (status(405), "Many servers are at /mcp"),
        (body("<html>", "text/html"), "text/html"),
        (
            lambda m: web.json_response(rpc(m, {**GREETING, "protocolVersion": "2024-10-07"})),
            "revision 2024-10-07",
        ),
        (status(302, Location="https://login.example/"), r"redirects to https://login\.example"),
    ],
    ids=["path", "method", "page", "version", "redirect"],
)
async def test_why_a_connection_cannot_be_opened_is_told(answer: Answer, reason: str) -> None:
    with pytest.raises(ServerUnavailableError, match=reason) as caught:
        async with connected(Odd(initialize=answer)):
            pass
    assert "not known" not in str(caught.value), "that is said of calls"


@pytest.mark.parametrize("arguments", [{"n": float("nan")}, {"x": object()}], ids=["NaN", "no JSON"])
async def test_arguments_that_are_no_json_are_refused_before_sending(arguments: dict[str, Any]) -> None:
    server = Odd()
    async with connected(server) as connection:
        with pytest.raises(ProtocolError, match="was not made"):
            await connection.call_tool("t", arguments)
        assert result_text(await connection.call_tool("t", {"x": "cut \ud83d"})) == "fine"
    assert server.methods.count("tools/call") == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://no-such-host.invalid/mcp", "no host of the name"),
        ("ftp://127.0.0.1/mcp", "begins with http"),
    ],
)
async def test_an_address_that_leads_nowhere_is_told(url: str, reason: str) -> None:
    with pytest.raises(ServerUnavailableError, match=reason):
        await McpConnection(url, timeout=5).open()


@pytest.mark.parametrize(
    "odd",
    [
        {"method": "notifications/tool/streamContent", "params": {"content": "a secret"}},
        {"method": "notifications/progress", "params": {"progress": "a secret"}},
        {"id": 7, "method": "elicitation/create", "params": {"message": ["a secret"]}},
        {"id": 7, "method": "acme/ask", "params": {"message": "a secret"}},
    ],
    ids=["unknown", "unreadable", "request", "unknown request"],
)
async def test_what_the_client_does_not_understand_is_not_logged(
    odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    def answer(message: dict[str, Any]) -> web.Response:
        events = [{"jsonrpc": "2.0", **odd}, said(message)]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        return web.Response(text=text, content_type="text/event-stream")

    server = Odd(call=answer)
    with caplog.at_level(logging.INFO):
        async with connected(server) as connection:
            assert result_text(await connection.call_tool("t", {})) == "fine"
            await eventually(lambda: ("answer" in server.methods) == ("id" in odd))
    assert "secret" not in caplog.text
    assert "Failed to validate notification" not in caplog.text
