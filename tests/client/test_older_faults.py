"""Faults of a server with HTTP+SSE: each request ends with an answer or a typed error, and is made once."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from tests.client import odd
from tests.client.older import Answer, Older, connected, event, status
from tests.support.eventually import eventually

from mcpsecurity.client import (
    BridgeError,
    HeaderAuth,
    KeyRefusedError,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    TokenAuth,
    result_text,
)

UNKNOWN = "It is not known whether this was completed"


def nothing(_: dict[str, Any]) -> None:
    """The server says nothing for now."""


def calls(server: Older) -> int:
    return server.seen.count("tools/call")


async def call_in(server: Older, connection: McpConnection) -> asyncio.Task[Any]:
    """Make a call that the server takes and does not answer, and every later one well."""
    before = calls(server)
    server.answers["tools/call"] = nothing
    call = asyncio.create_task(connection.call_tool("t", {}))
    await eventually(lambda: calls(server) > before)
    del server.answers["tools/call"]
    return call


async def works(connection: McpConnection) -> None:
    async with asyncio.timeout(30):
        assert result_text(await connection.call_tool("t", {})) == "fine"


async def test_a_call_whose_stream_breaks_is_not_made_again_and_the_next_opens_a_session() -> None:
    server = Older()
    async with connected(server) as connection:
        running = [await call_in(server, connection) for _ in range(2)]
        server.drop()
        for call in running:
            with pytest.raises(ServerUnavailableError, match=UNKNOWN) as caught:
                await asyncio.wait_for(call, 30)
            assert caught.value.outcome_is_unknown
        assert calls(server) == 2
        await works(connection)
    assert (calls(server), server.opened) == (3, 2)


async def test_a_break_while_a_call_is_sent_does_not_hide_that_it_was_not_taken() -> None:
    server, broken = Older(), asyncio.Event()

    @web.middleware
    async def held(request: web.Request, handler: Any) -> Any:
        if "tools/call" in await request.text() and not broken.is_set():
            server.drop()
            await asyncio.wait_for(server.left.wait(), 30)
            broken.set()
        return await handler(request)

    async with connected(server, middlewares=[held]) as connection:
        await works(connection)
        assert broken.is_set()
    assert (calls(server), server.opened) == (1, 2)


async def test_after_a_break_between_calls_the_next_call_is_made_in_a_new_session_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "mcpsecurity.client.older_transport")
    server, posted = Older(), list[str]()

    @web.middleware
    async def noted(request: web.Request, handler: Any) -> Any:
        posted.append(request.query.get("session_id", ""))
        return await handler(request)

    async with connected(server, middlewares=[noted]) as connection:
        await works(connection)
        server.drop()
        await eventually(lambda: "an event stream broke" in caplog.text)
        before = posted.count("1")
        await works(connection)
        await works(connection)
    assert (calls(server), server.opened) == (3, 2)
    assert posted.count("1") == before, "nothing goes to the session that has ended"


async def test_a_caller_that_leaves_ends_a_post_that_is_not_answered() -> None:
    server, begun, ended = Older(), asyncio.Event(), asyncio.Event()

    @web.middleware
    async def silent(request: web.Request, handler: Any) -> Any:
        if "tools/call" in await request.text():
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
        return await handler(request)

    async with connected(server, middlewares=[silent]) as connection:
        call = asyncio.create_task(connection.call_tool("t", {}))
        await asyncio.wait_for(begun.wait(), 30)
        call.cancel()
        await asyncio.wait_for(ended.wait(), 30)
        await connection.ping()


@pytest.mark.parametrize(
    "lost",
    [
        status(404),
        status(404, "Could not find session"),
        status(400, "No transport found for sessionId"),
        status(400, "Invalid session ID", "text/html"),
        status(400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32602,"message":"Invalid session ID"}}'),
    ],
)
async def test_a_call_of_a_session_that_is_not_known_any_more_is_made_in_a_new_one(lost: Answer) -> None:
    server = Older()
    async with connected(server) as connection:
        server.answers["tools/call"] = once(lost, server)
        await works(connection)
    assert (calls(server), server.opened) == (2, 2)


@pytest.mark.parametrize(
    ("refusal", "words", "sessions"),
    [
        (status(503, "No active SSE connection"), "503", 2),
        (status(400, "no"), "It says: no.", 2),
        (status(500), UNKNOWN, 1),
        (status(405), "405", 1),
        (status(429), "429", 1),
    ],
)
async def test_a_call_that_is_refused_fails_and_the_next_one_works_in_a_new_session_if_need_be(
    refusal: Answer, words: str, sessions: int
) -> None:
    server = Older()
    async with connected(server) as connection:
        server.answers["tools/call"] = once(refusal, server)
        with pytest.raises(ServerUnavailableError, match=words):
            await connection.call_tool("t", {})
        await works(connection)
    assert (calls(server), server.opened) == (2, sessions)


def once(answer: Answer, server: Older) -> Answer:
    """Return an answer that is given once."""

    def given(message: dict[str, Any]) -> Any:
        del server.answers[message["method"]]
        return answer(message)

    return given


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (lambda m: event(odd.rpc(m, "no object")), "a result that is no object instead of an MCP message"),
        (lambda _: b'data: {"jsonrpc": "2.0", "id"\n\n', "unreadable JSON instead of an MCP message"),
    ],
)
async def test_a_call_whose_answer_cannot_be_read_fails(
    said: Callable[[dict[str, Any]], bytes], words: str
) -> None:
    server = Older()
    async with connected(server) as connection:
        server.answers["tools/call"] = once(said, server)
        with pytest.raises(ServerUnavailableError, match=words) as caught:
            await asyncio.wait_for(connection.call_tool("t", {}), 30)
        assert UNKNOWN in str(caught.value)
        await works(connection)
    assert calls(server) == 2


async def test_an_error_without_an_id_is_of_the_only_request() -> None:
    server = Older()
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "what?"}}
    async with connected(server) as connection:
        server.answers["tools/call"] = lambda _: event(error)
        with pytest.raises(ProtocolError, match=r"what\?"):
            await asyncio.wait_for(connection.call_tool("t", {}), 30)


@pytest.mark.parametrize("message_id", [str, float])
async def test_an_answer_may_write_the_id_in_another_way(message_id: Callable[[Any], Any]) -> None:
    server = Older()
    server.answers["tools/call"] = lambda m: event({**odd.said(m), "id": message_id(m["id"])})
    async with connected(server) as connection:
        await works(connection)


async def test_what_no_request_waits_for_is_passed_over() -> None:
    server = Older()
    async with connected(server) as connection:
        for text in (b"data: hello\n\n", b"data: 7\n\n", b"event: else\ndata: {\n\n", b"data: [null, 7]\n\n"):
            await server.say(text)
        await server.say(event({"jsonrpc": "2.0", "id": 999, "result": {}}))
        await server.say(event({"jsonrpc": "2.0", "method": "notifications/unknown"}))
        await works(connection)
    assert server.opened == 1


async def test_a_request_without_an_answer_ends_in_time_and_a_late_one_is_passed_over() -> None:
    server = Older()
    server.answers["ping"] = nothing
    async with connected(server, timeout=2.0) as connection:
        with pytest.raises(ServerUnavailableError, match="did not answer within 2 s"):
            await connection.ping()
        await server.say(event({"jsonrpc": "2.0", "id": server.messages[-1]["id"], "result": {}}))
        await works(connection)


async def test_calls_that_run_end_when_the_connection_is_closed() -> None:
    server = Older()
    async with connected(server) as connection:
        call = await call_in(server, connection)
    with pytest.raises(ServerUnavailableError, match=UNKNOWN):
        await asyncio.wait_for(call, 30)
    await asyncio.wait_for(server.left.wait(), 30)


async def test_a_handshake_that_is_refused_is_told_in_the_servers_words() -> None:
    server = Older()
    refusal = {"code": -32602, "message": "Unsupported protocol version"}
    server.answers["initialize"] = lambda m: event({"jsonrpc": "2.0", "id": m["id"], "error": refusal})
    with pytest.raises(ProtocolError, match="It says: Unsupported protocol version"):
        async with connected(server):
            pass


def wants(header: str, value: Callable[[], str], *methods: str) -> Any:
    """Return a middleware that refuses requests of these methods without a header."""

    @web.middleware
    async def check(request: web.Request, handler: Any) -> Any:
        messages = request.path.startswith("/messages")
        if (messages or request.method == "GET") and request.headers.get(header) != value():
            return web.Response(status=401, text="a key, please")
        return await handler(request)

    return check


async def test_the_stream_and_each_message_carry_a_token_and_a_refused_one_is_renewed() -> None:
    wanted, server, asked = "first", Older(), list[bool]()

    async def token(again: bool) -> str:
        asked.append(again)
        return wanted if again or len(asked) > 3 else "stale"

    middleware = wants("Authorization", lambda: f"Bearer {wanted}")
    async with connected(server, middlewares=[middleware], auth=TokenAuth(token)) as connection:
        await works(connection)
        wanted = "second"
        await works(connection)
    assert True in asked
    assert server.opened == 1


async def test_a_server_that_wants_a_sign_in_for_its_stream_says_so() -> None:
    with pytest.raises(SignInRequiredError):
        async with connected(Older(), middlewares=[wants("Authorization", lambda: "Bearer x")]):
            pass


@pytest.mark.parametrize(("key", "error"), [("right", None), ("wrong", KeyRefusedError)])
async def test_a_key_is_sent_with_all_requests(key: str, error: type[BridgeError] | None) -> None:
    server, middleware = Older(), wants("X-Key", lambda: "right")
    auth = HeaderAuth({"X-Key": key})
    if error is None:
        async with connected(server, middlewares=[middleware], auth=auth) as connection:
            await works(connection)
        return
    with pytest.raises(error, match="a key, please"):
        async with connected(server, middlewares=[middleware], auth=auth):
            pass


async def test_a_call_that_wants_another_sign_in_says_so_and_keeps_the_session() -> None:
    server = Older()
    async with connected(server) as connection:
        server.answers["tools/call"] = once(status(401), server)
        with pytest.raises(SignInRequiredError):
            await connection.call_tool("t", {})
        await works(connection)
    assert server.opened == 1


def redirecting(to: str) -> Any:
    """Return a middleware that redirects what goes to /old and /messages/."""

    @web.middleware
    async def redirect(request: web.Request, handler: Any) -> Any:
        if request.path in ("/old", "/messages/"):
            path = request.path_qs.replace("/old", "/sse").replace("/messages/", "/nested/messages")
            raise web.HTTPTemporaryRedirect(f"{to}{path}")
        return await handler(request)

    return redirect


async def test_redirects_within_the_origin_are_followed() -> None:
    server = Older()
    async with connected(server, "/old", middlewares=[redirecting("")]) as connection:
        await works(connection)


async def test_a_stream_that_is_redirected_elsewhere_is_not_opened() -> None:
    with pytest.raises(ServerUnavailableError, match=r"redirects to http://elsewhere\.example"):
        async with connected(Older(), "/old", middlewares=[redirecting("http://elsewhere.example")]):
            pass
