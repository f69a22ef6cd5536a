"""A server that has the transport HTTP+SSE of 2024-11-05 only is spoken to by that; no other server is."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from tests.client import odd
from tests.client.older import Answer, Older, connected, event, status
from tests.support.eventually import eventually
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection, ProtocolError, ServerUnavailableError, result_text
from mcpsecurity.client.eras import HANDSHAKE, OLDER

ENDPOINT = "event: endpoint\ndata: {}\n\n"


def nothing(_: dict[str, Any]) -> None:
    """The server says nothing for now."""


async def failure_of(server: Older, **options: Any) -> str:
    with pytest.raises(ServerUnavailableError) as caught:
        async with connected(server, **options):
            pass
    return str(caught.value)


@pytest.mark.parametrize(
    "refusal",
    [
        status(400, "No session ID provided"),
        status(404, "404: Not Found"),
        status(405, "405: Method Not Allowed"),
        status(400, '{"error": "Missing session ID"}', "application/json"),
    ],
)
async def test_a_server_that_takes_no_post_is_spoken_to_by_the_older_transport(refusal: Answer) -> None:
    server = Older()
    server.refusal = refusal
    async with connected(server) as connection:
        assert connection.era is OLDER
        assert connection.server is not None
        assert connection.server.protocolVersion == "2024-11-05"
        assert server.posted == 2, "both other ways were tried first"
        assert result_text(await connection.call_tool("t", {})) == "fine"
        await connection.ping()
    assert server.seen == ["initialize", "notifications/initialized", "tools/call", "ping"]
    assert server.opened == 1
    await asyncio.wait_for(server.left.wait(), 30)


async def test_a_server_that_opens_its_stream_for_a_post_as_well_is_told_by_its_first_event() -> None:
    server = Older()
    server.refusal = None
    async with connected(server) as connection, asyncio.timeout(30):
        assert connection.era is OLDER
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert (server.posted, server.opened) == (2, 3)


async def test_a_server_that_has_streamable_http_besides_is_spoken_to_by_that() -> None:
    older, both = Older(), odd.Odd()
    app = web.Application()
    app.router.add_get("/mcp", older.get)
    app.router.add_post("/mcp", both.handle)
    async with on_loopback(app, "/mcp", handler_cancellation=True) as url, McpConnection(url) as connection:
        assert connection.era is HANDSHAKE
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert both.methods == ["initialize", "notifications/initialized", "tools/call"]


@pytest.mark.parametrize("code", [200, 400])
async def test_a_refusal_in_json_rpc_is_not_of_a_server_of_the_older_transport(code: int) -> None:
    def refuse(message: dict[str, Any]) -> web.Response:
        said = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32000, "message": "not here"}}
        return web.json_response(said, status=code)

    server = Older()
    server.refusal = refuse
    with pytest.raises(ProtocolError, match="not here"):
        async with connected(server):
            pass
    assert server.opened == 0


@pytest.mark.parametrize("first", ["event: ping\ndata: 1\n\n", "data: {{}}\n\n"])
async def test_a_server_whose_stream_is_another_is_quoted(first: str) -> None:
    server = Older(first)
    server.refusal = status(400, "No session ID provided")
    told = await failure_of(server)
    assert told.endswith("answered with HTTP status 400. It says: No session ID provided.")
    await asyncio.wait_for(server.left.wait(), 30)


async def test_a_server_that_refuses_everything_is_quoted() -> None:
    told = await failure_of(Older(), path="/messages/")  # which has no GET
    assert told.endswith("HTTP status 404. It says: Could not find session.")


async def test_once_found_it_is_known_when_the_connection_is_opened_again() -> None:
    server = Older()
    async with connected(server) as connection:
        await connection.aclose()
        await connection.call_tool("t", {})
    assert (server.posted, server.opened) == (2, 2)


async def test_a_server_that_has_streamable_http_since_is_found_to() -> None:
    server = odd.Odd()
    app = web.Application()
    app.router.add_post("/mcp", server.handle)
    async with on_loopback(app, "/mcp") as url:
        connection = McpConnection(url)
        connection.era = OLDER
        async with connection:
            assert connection.era is HANDSHAKE
    assert server.methods == ["initialize", "notifications/initialized"]


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/sse", "/messages/?session_id={session}"),
        ("/sse", "messages/?x=%20&session_id={session}"),
        ("/sse", "?session_id={session}"),
        ("/sse", "{origin}/messages/?session_id={session}#part"),
        ("/nested/sse", "messages?session_id={session}"),
        ("/nested/sse", "../messages/?session_id={session}"),
    ],
)
async def test_messages_go_to_the_address_that_the_server_names(path: str, endpoint: str) -> None:
    server = Older(ENDPOINT.format(endpoint))
    async with connected(server, path) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://elsewhere.example/messages",
        "//elsewhere.example/messages",
        "http://127.0.0.1:1/messages",
        "https://127.0.0.1/messages",
        "file:///etc/passwd",
    ],
)
async def test_nothing_is_sent_to_another_origin(elsewhere: str) -> None:
    server = Older(ENDPOINT.format(elsewhere))
    told = await failure_of(server)
    assert "which is another origin; nothing is sent there" in told
    assert server.seen == []


@pytest.mark.parametrize("named", ["http://[::1/messages", f"/messages?session={'a' * 10_000}"])
async def test_an_address_that_is_none_is_told(named: str) -> None:
    told = await failure_of(Older(ENDPOINT.format(named)))
    assert told.endswith("named something for messages that is not an address.")


async def test_a_server_that_names_no_address_is_told_in_time() -> None:
    told = await failure_of(Older(": welcome\n\nretry: 3000\n\n"), timeout=0.5)
    assert "did not say within 0.5 s where it takes messages" in told


async def test_a_get_without_an_answer_ends_in_time() -> None:
    async def silent(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_get("/sse", silent)
    async with on_loopback(app, "/sse", handler_cancellation=True) as url:
        with pytest.raises(ServerUnavailableError, match=r"did not answer within 0\.5 s"):
            await McpConnection(url, timeout=0.5).open()


@pytest.mark.parametrize(
    "accepted", [(200, "ok"), (200, "Accepted"), (202, ""), (202, "Accepted"), (204, "")]
)
async def test_a_message_may_be_accepted_in_any_words(accepted: tuple[int, str]) -> None:
    server = Older()
    server.accepted = accepted
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"


async def test_an_answer_may_be_that_of_the_post() -> None:
    server = Older()
    server.answers["tools/call"] = odd.ok
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"


@pytest.mark.parametrize("body", [{"status": "queued"}, "Accepted", [], {"id": 2, "result": "queued"}])
async def test_json_that_is_no_answer_only_accepts_the_message(body: Any) -> None:
    server = Older()
    server.answers["tools/call"] = lambda _: web.json_response(body)
    async with connected(server) as connection:
        call = asyncio.create_task(connection.call_tool("t", {}))
        await eventually(lambda: "tools/call" in server.seen)
        await server.say(event(odd.said(server.messages[-1])))
        assert result_text(await call) == "fine"


async def test_an_answer_may_come_before_its_post_is_accepted() -> None:
    server, accept = Older(), asyncio.Event()

    @web.middleware
    async def held(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if "tools/call" in server.seen and request.method == "POST":
            await accept.wait()
        return response

    async with connected(server, middlewares=[held]) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"
        accept.set()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_events_are_read_however_they_are_written_and_cut(end: str, size: int) -> None:
    server = Older()
    server.answers["tools/call"] = nothing
    async with connected(server) as connection:
        call = asyncio.create_task(connection.call_tool("t", {}))
        await eventually(lambda: "tools/call" in server.seen)
        message = json.dumps(odd.said(server.messages[-1], "Größe 👋"), ensure_ascii=False, indent=1)
        data = "".join(f"data: {line}{end}" for line in message.split("\n"))
        text = f": ping{end}{end}event: ping{end}data{end}{end}data:{end}{end}{data}{end}"
        raw = text.encode()
        for start in range(0, len(raw), size):
            await server.say(raw[start : start + size])
        async with asyncio.timeout(30):
            assert result_text(await call) == "Größe 👋"


async def test_an_answer_of_megabytes_is_read() -> None:
    server, text = Older(), "x" * 6_000_000
    server.answers["tools/call"] = lambda message: event(odd.said(message, text))
    async with connected(server) as connection:
        (part,) = (await connection.call_tool("t", {})).content
        assert isinstance(part, types.TextContent)
        assert part.text == text


async def test_a_server_asks_reports_and_logs_while_a_call_runs() -> None:
    server, heard, reported = Older(), list[str](), list[float]()
    form = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}

    def ask(message: dict[str, Any]) -> bytes:
        progress = {"progressToken": message["params"]["_meta"]["progressToken"], "progress": 1}
        said = (
            {"method": "notifications/progress", "params": progress},
            {"method": "notifications/message", "params": {"level": "info", "data": "at work"}},
            {"id": "q1", "method": "elicitation/create", "params": form},
        )
        return b"".join(event({"jsonrpc": "2.0"} | each) for each in said)

    def answered(message: dict[str, Any]) -> bytes:
        call = next(each for each in server.messages if each.get("method") == "tools/call")
        assert message["id"] == "q1"
        return event(odd.said(call, message["result"]["content"]["name"]))

    async def hear(notification: types.ServerNotification) -> None:
        heard.append(notification.root.method)

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append(progress)

    async def answers(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"name": params.message})

    server.answers = {"tools/call": ask, "answer": answered}
    async with connected(server, elicitation=answers, on_notification=hear) as connection:
        assert result_text(await connection.call_tool("t", {}, report)) == "Who?"
    assert reported == [1]
    assert heard == ["notifications/progress", "notifications/message"]


async def test_a_caller_that_leaves_cancels_its_call_and_disturbs_no_other() -> None:
    server = Older()
    server.answers["tools/call"] = nothing
    async with connected(server) as connection:
        call = asyncio.create_task(connection.call_tool("t", {}))
        await eventually(lambda: "tools/call" in server.seen)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await eventually(lambda: "notifications/cancelled" in server.seen)
        cancelled, asked = server.messages[-1], server.messages[-2]
        assert cancelled["params"]["requestId"] == asked["id"]
        await server.say(event(odd.said(asked, "too late")))
        del server.answers["tools/call"]
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.opened == 1
