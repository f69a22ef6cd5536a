"""Servers that answer with something else than MCP: each call ends at once, typed, and was made once."""

import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from mcpsecurity.bridge import (
    BridgeError,
    InsufficientScopeError,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    result_text,
)
from mcpsecurity.service import started_runner

pytestmark = pytest.mark.timeout(30)
GREETING = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "odd", "version": "1"},
}
Answer = Callable[[dict[str, Any]], web.StreamResponse]


class Odd:
    """A server without a library below it; `answers` are its answers by method, in place of good ones."""

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers
        self.session = "s1"
        self.methods: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        method = message.get("method", "answer")
        self.methods.append(method)
        if method == "initialize" and method not in self._answers:
            return web.json_response(rpc(message, GREETING), headers={"Mcp-Session-Id": self.session})
        if method.partition("/")[2] in self._answers or method in self._answers:
            return self._answers.get(method, self._answers.get(method.partition("/")[2], ok))(message)
        if method == "prompts/list":
            return web.json_response(rpc(message, {"prompts": []}))
        return ok(message) if "id" in message else web.Response(status=202)


def rpc(message: dict[str, Any], result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def said(message: dict[str, Any], text: str = "fine") -> dict[str, Any]:
    return rpc(message, {"content": [{"type": "text", "text": text}]})


def ok(message: dict[str, Any]) -> web.Response:
    return web.json_response(said(message))


def body(text: str | bytes, kind: str = "application/json", **headers: str) -> Answer:
    raw = text.encode() if isinstance(text, str) else text
    return lambda _: web.Response(body=raw, headers={"Content-Type": kind, **headers})


def sse(message: dict[str, Any], tail: str = "\n\n") -> web.Response:
    return web.Response(
        text=f"event: message\ndata: {json.dumps(message)}{tail}", content_type="text/event-stream"
    )


def status(code: int, text: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=code, text=text, headers=named)


@asynccontextmanager
async def connected(server: Odd, path: str = "/mcp") -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)

    async def slash(_: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/mcp"})

    app.router.add_route("*", "/old", slash)
    runner = await started_runner(app)
    try:
        async with McpConnection(f"http://127.0.0.1:{runner.addresses[0][1]}{path}", timeout=5) as connection:
            yield connection
    finally:
        await runner.cleanup()


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
    "gzip that is none": body("data: x\n\n", "text/event-stream", **{"Content-Encoding": "gzip"}),
    "JSON in gzip that is none": body("{}", **{"Content-Encoding": "gzip"}),
    "gzip cut off": body(
        gzip.compress(b"data: 1\n\n" * 99)[:-9], "text/event-stream", **{"Content-Encoding": "gzip"}
    ),
}


@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_call_whose_answer_cannot_be_read_ends_typed_and_was_made_once(answer: Answer) -> None:
    server = Odd(call=answer)
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError):
            await connection.call_tool("pay", {})
        assert await connection.list_prompts() == [], "the connection goes on"
    assert server.methods.count("tools/call") == 1
    assert server.methods.count("initialize") == 1


READABLE: dict[str, tuple[Answer, str]] = {
    "a lone surrogate": (
        lambda m: web.Response(text=json.dumps(said(m, "cut \ud83d")), content_type="application/json"),
        "cut \ufffd",
    ),
    "a lone surrogate in a stream": (lambda m: sse(said(m, "cut \ud83d")), "cut \ufffd"),
    "a batch": (lambda m: web.json_response([{"jsonrpc": "2.0", "method": "x"}, said(m)]), "fine"),
    "the id as text": (lambda m: web.json_response({**said(m), "id": str(m["id"])}), "fine"),
    "NaN, which is no JSON": (
        lambda m: web.json_response(rpc(m, {"content": [], "structuredContent": {"v": float("nan")}})),
        '{"v": NaN}',
    ),
    "no jsonrpc": (lambda m: web.json_response({"id": m["id"], "result": said(m)["result"]}), "fine"),
    "an event without its blank line": (lambda m: sse(said(m), "\n"), "fine"),
    "carriage returns": (lambda m: sse(said(m), "\r\r"), "fine"),
    "a part of an unknown type": (
        lambda m: web.json_response(
            rpc(m, {"content": [{"type": "hologram"}, {"type": "text", "text": "x"}]})
        ),
        "[content of type 'hologram', which cannot be read]\nx",
    ),
    "a relative URI": (
        lambda m: web.json_response(
            rpc(m, {"content": [{"type": "resource_link", "uri": "users/me", "name": "me"}]})
        ),
        "[link to users/me: me]",
    ),
    "content as text": (lambda m: web.json_response(rpc(m, {"content": "plain"})), "plain"),
    "a structured list": (
        lambda m: web.json_response(rpc(m, {"content": [], "structuredContent": [1]})),
        "[1]",
    ),
}


@pytest.mark.parametrize(("answer", "text"), READABLE.values(), ids=READABLE)
async def test_an_odd_answer_is_read_as_far_as_it_goes(answer: Answer, text: str) -> None:
    async with connected(Odd(call=answer)) as connection:
        assert result_text(await connection.call_tool("t", {})) == text


async def test_the_other_calls_go_on_when_one_is_redirected() -> None:
    async with connected(Odd(call=status(302, Location="https://login.example/"))) as connection:
        with pytest.raises(BridgeError, match=r"redirects to https://login\.example"):
            await connection.call_tool("bad", {})
        assert await connection.list_prompts() == []


async def test_a_redirect_within_the_origin_is_followed() -> None:
    async with connected(Odd(), "/old") as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"


async def test_a_session_that_a_400_denies_is_opened_anew_and_the_call_repeated() -> None:
    refused = json.dumps(
        {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "No valid session ID"}}
    )
    left = [status(400, refused, Content_Type="application/json")]
    server = Odd(call=lambda m: left.pop()(m) if left else ok(m))
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods.count("initialize") == 2
    assert server.methods.count("tools/call") == 2


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
    ids=["busy", "broken", "wrong", "scope", "sign-in"],
)
async def test_the_servers_reason_is_told(answer: Answer, kind: type[BridgeError], reason: str) -> None:
    async with connected(Odd(call=answer)) as connection:
        with pytest.raises(kind, match=reason):
            await connection.call_tool("t", {})


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (status(404), "There is no MCP server at"),
        (body("<html>", "text/html"), "text/html"),
        (
            lambda m: web.json_response(rpc(m, {**GREETING, "protocolVersion": "2024-10-07"})),
            "revision 2024-10-07",
        ),
        (status(302, Location="https://login.example/"), r"redirects to https://login\.example"),
    ],
    ids=["path", "page", "version", "redirect"],
)
async def test_why_a_connection_cannot_be_opened_is_told(answer: Answer, reason: str) -> None:
    with pytest.raises(ServerUnavailableError, match=reason):
        async with connected(Odd(initialize=answer)):
            pass


async def test_one_odd_tool_leaves_the_others_and_is_named() -> None:
    schema = {"type": "object"}
    tools = [
        {"name": "good", "inputSchema": schema, "annotations": {"readOnlyHint": "perhaps"}},
        {"name": "bad", "inputSchema": None},
        None,
        {"name": "good", "inputSchema": schema},
    ]
    server = Odd(list=lambda m: web.json_response(rpc(m, {"tools": tools, "nextCursor": "again"})))
    async with connected(server) as connection:
        assert [tool.name for tool in await connection.list_tools()] == ["good"]
        assert set(connection.left_out) == {"bad", "(without a name)"}
    assert server.methods.count("tools/list") == 2, "a cursor that comes again ends the list"


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
