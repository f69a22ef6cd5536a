"""Requests of revision 2026-07-28: what each says, and how each kind of answer is read."""

import asyncio
from importlib.metadata import version
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from tests.client.modern import FORM, META, Modern, asks, connected, done, failed, refused, result
from tests.support.served import on_loopback

from mcpsecurity.client import (
    Challenge,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    TokenAuth,
    result_text,
)

SAMPLING = {
    "method": "sampling/createMessage",
    "params": {"messages": [{"role": "user", "content": {"type": "text", "text": "hi"}}], "maxTokens": 5},
}
URL = {
    "method": "elicitation/create",
    "params": {"mode": "url", "message": "Go", "url": "https://a.example/"},
}


async def accept(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    is_url = isinstance(params, types.ElicitRequestURLParams)
    return types.ElicitResult(action="accept", content=None if is_url else {"a": params.message})


async def generate(_: Any, __: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    content = types.TextContent(type="text", text="said")
    return types.CreateMessageResult(role="assistant", content=content, model="m")


async def test_each_request_says_who_asks_what_and_in_which_revision() -> None:
    server = Modern()
    async with connected(server, elicitation=accept) as connection:
        await connection.call_tool("Größe", {})
        await connection.read_resource("file:///a%20b")
    for message in server.seen[1:]:
        meta, headers = message["params"]["_meta"], message["headers"]
        assert meta[f"{META}protocolVersion"] == headers["MCP-Protocol-Version"] == "2026-07-28"
        assert meta[f"{META}clientInfo"] == {"name": "mcpsecurity", "version": version("mcpsecurity")}
        assert meta[f"{META}clientCapabilities"] == {"elicitation": {"form": {}, "url": {}}}
        assert headers["Mcp-Method"] == message["method"]
        assert headers["Accept"] == "application/json, text/event-stream"
        assert "Mcp-Session-Id" not in headers
    discover, call, read = server.seen[1:]
    assert "Mcp-Name" not in discover["headers"]
    assert call["headers"]["Mcp-Name"] == "=?base64?R3LDtsOfZQ==?="
    assert read["headers"]["Mcp-Name"] == read["params"]["uri"] == "file:///a%20b"
    assert len({message["id"] for message in server.seen[1:]}) == 3


async def test_a_call_that_asks_is_sent_again_with_the_answers_and_the_very_state() -> None:
    state = '{"b":1, "a":"ü"}'
    server = Modern({"tools/call": [asks(state, one=FORM, two=SAMPLING, three=URL), done]})
    async with connected(server, elicitation=accept, sampling=generate) as connection:
        assert result_text(await connection.call_tool("t", {"n": 1})) == "fine"
    first, second = server.calls()
    assert first["id"] != second["id"]
    assert second["params"]["requestState"] == state
    assert second["params"]["arguments"] == {"n": 1}
    answers = second["params"]["inputResponses"]
    assert answers["one"] == {"action": "accept", "content": {"a": "Who?"}}
    assert answers["two"]["content"]["text"] == "said"
    assert answers["three"] == {"action": "accept"}


async def test_a_state_that_is_not_there_is_not_sent_and_one_alone_is() -> None:
    server = Modern({"tools/call": [asks("s1", one=FORM), asks(None, two=FORM), asks("s3"), done]})
    async with connected(server, elicitation=accept) as connection:
        await connection.call_tool("t", {})
    sent = [
        (message["params"].get("requestState"), list(message["params"].get("inputResponses", ())))
        for message in server.calls()
    ]
    assert sent == [(None, []), ("s1", ["one"]), (None, ["two"]), ("s3", [])]


async def test_answers_of_one_call_do_not_reach_another() -> None:
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(_: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        waiting.set()
        await go_on.wait()
        return types.ElicitResult(action="decline")

    server = Modern({"tools/call": [asks("s", one=FORM), done]})
    async with connected(server, elicitation=slowly) as connection:
        asking = asyncio.create_task(connection.call_tool("asks", {}))
        await waiting.wait()
        await connection.call_tool("other", {})
        go_on.set()
        await asking
    other = next(message for message in server.calls() if message["params"]["name"] == "other")
    assert set(other["params"]) == {"name", "arguments", "_meta"}


async def test_prompts_and_resources_may_ask_too_and_nothing_else() -> None:
    told: dict[str, Any] = {"messages": [], "contents": []}
    once = [asks(None, one=FORM), lambda message: result(message, told)]
    server = Modern({"prompts/get": list(once), "resources/read": list(once), "tools/list": [asks("s")]})
    async with connected(server, elicitation=accept) as connection:
        await connection.get_prompt("p", {})
        await connection.read_resource("file:///a")
        with pytest.raises(ProtocolError, match="unknown type"):
            await connection.list_tools()


async def test_a_server_that_asks_for_ever_is_not_answered_for_ever() -> None:
    server = Modern({"tools/call": [asks("s", one=FORM)]})
    async with connected(server, elicitation=accept) as connection:
        with pytest.raises(ProtocolError, match="has asked 10 times"):
            await connection.call_tool("t", {})
    assert len(server.calls()) == 11


@pytest.mark.parametrize(
    "answer",
    [
        {"resultType": "task"},
        {"resultType": None},
        {"resultType": "input_required"},
        {"resultType": "input_required", "inputRequests": {}},
        {"resultType": "input_required", "inputRequests": []},
        {"resultType": "input_required", "inputRequests": {"a": FORM}, "requestState": 5},
        {"resultType": "input_required", "inputRequests": {"a": {"method": "tools/call"}}},
        {"resultType": "input_required", "inputRequests": {"a": None}},
        {"resultType": "input_required", "inputRequests": {"a": {"method": "elicitation/create"}}},
        {"resultType": "input_required", "inputRequests": {str(n): FORM for n in range(33)}},
        {"resultType": "input_required", "requestState": "s" * 1_100_000},
    ],
)
async def test_what_cannot_be_answered_ends_the_call(answer: dict[str, Any]) -> None:
    server = Modern({"tools/call": [lambda message: result(message, answer)]})
    async with connected(server, elicitation=accept) as connection:
        with pytest.raises(ProtocolError, match="The MCP server"):
            await connection.call_tool("t", {})
        assert len(server.calls()) == 1
        await connection.ping()


async def test_a_result_without_a_type_is_complete() -> None:
    def untyped(message: dict[str, Any]) -> web.Response:
        content = [{"type": "text", "text": "old"}]
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": {"content": content}})

    async with connected(Modern({"tools/call": [untyped]})) as connection:
        assert result_text(await connection.call_tool("t", {})) == "old"


async def test_a_question_without_anybody_to_ask_ends_the_call_and_the_other_questions() -> None:
    withdrawn = asyncio.Event()

    async def never(_: Any, __: types.ElicitRequestParams) -> types.ElicitResult:
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        raise AssertionError("unreachable")

    server = Modern({"tools/call": [asks(None, one=FORM, two=SAMPLING)]})
    async with connected(server, elicitation=never) as connection:
        with pytest.raises(ProtocolError, match="Sampling not supported"):
            await connection.call_tool("t", {})
        await withdrawn.wait()
    assert len(server.calls()) == 1


async def test_a_caller_that_leaves_withdraws_the_question() -> None:
    asked, withdrawn = asyncio.Event(), asyncio.Event()

    async def never(_: Any, __: types.ElicitRequestParams) -> types.ElicitResult:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.set()
        raise AssertionError("unreachable")

    server = Modern({"tools/call": [asks(None, one=FORM)]})
    async with connected(server, elicitation=never) as connection:
        call = asyncio.create_task(connection.call_tool("t", {}))
        await asked.wait()
        call.cancel()
        await withdrawn.wait()
        await connection.ping()
    assert server.methods().count("tools/call") == 1
    assert "notifications/cancelled" not in server.methods()


@pytest.mark.slow
async def test_time_that_a_person_takes_does_not_count() -> None:
    async def slowly(_: Any, __: types.ElicitRequestParams) -> types.ElicitResult:
        await asyncio.sleep(2)
        return types.ElicitResult(action="decline")

    told: dict[str, Any] = {"messages": []}
    server = Modern({"prompts/get": [asks(None, one=FORM), lambda message: result(message, told)]})
    async with connected(server, elicitation=slowly, timeout=1.5) as connection:
        assert (await connection.get_prompt("p", {})).messages == []


async def test_a_stream_brings_notifications_before_its_answer_and_requests_in_it_are_ignored() -> None:
    heard: list[str] = []

    async def hear(notification: types.ServerNotification) -> None:
        heard.append(notification.root.method)

    def streamed(message: dict[str, Any]) -> web.Response:
        events = [
            '{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"x"}}',
            '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}',
            f'{{"jsonrpc":"2.0","id":{message["id"]},"result":{{"content":[]}}}}',
        ]
        text = ":\n\n" + "".join(f"data: {event}\n\n" for event in events)
        return web.Response(text=text, content_type="text/event-stream")

    async def asked(_: Any, __: types.ElicitRequestParams) -> types.ElicitResult:
        heard.append("a question")
        return types.ElicitResult(action="decline")

    server = Modern({"tools/call": [streamed]})
    async with connected(server, elicitation=asked, on_notification=hear) as connection:
        assert (await connection.call_tool("t", {})).content == []
        await connection.ping()
    assert heard == ["notifications/message"]


async def test_a_stream_that_breaks_is_not_resumed_and_the_call_not_repeated() -> None:
    def broken(_: dict[str, Any]) -> web.Response:
        return web.Response(text="id: 7\nretry: 1\ndata:\n\n", content_type="text/event-stream")

    server = Modern({"tools/call": [broken]})
    async with connected(server) as connection:
        with pytest.raises(ServerUnavailableError, match="not known whether"):
            await connection.call_tool("t", {})
        await connection.ping()
    assert server.methods()[2:] == ["tools/call", "server/discover"]


def listing(*tools: Any) -> Any:
    return lambda message: result(message, {"tools": list(tools)})


def tool(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": properties}}


async def test_arguments_are_repeated_as_the_last_listing_says() -> None:
    region = {"type": "string", "x-mcp-header": "Region"}
    server = Modern({"tools/list": [listing(tool("t", region=region), tool("u"))]})
    async with connected(server) as connection:
        await connection.list_tools()
        for name, arguments in (("t", {"region": "eu"}), ("t", {"region": None}), ("u", {"region": "eu"})):
            await connection.call_tool(name, arguments)
    assert [call["headers"].get("Mcp-Param-Region") for call in server.calls()] == ["eu", None, None]


async def test_a_tool_that_repeats_in_an_invalid_way_is_left_out() -> None:
    bad = tool("bad", region={"type": "object", "x-mcp-header": "Region"})
    async with connected(Modern({"tools/list": [listing(bad, tool("good"))]})) as connection:
        assert [found.name for found in await connection.list_tools()] == ["good"]
        assert connection.left_out == ["bad"]


async def test_a_refusal_of_the_headers_is_answered_once_by_what_the_tools_are_now() -> None:
    region = {"type": "string", "x-mcp-header": "Region"}
    server = Modern(
        {"tools/list": [listing(tool("t", region=region))], "tools/call": [refused(-32020), done]}
    )
    async with connected(server) as connection:
        assert result_text(await connection.call_tool("t", {"region": "eu"})) == "fine"
        server.answers["tools/call"] = [refused(-32020)]
        with pytest.raises(ProtocolError) as caught:
            await connection.call_tool("t", {"region": "eu"})
    assert caught.value.code == -32020
    assert [call["headers"].get("Mcp-Param-Region") for call in server.calls()] == [None, "eu", "eu"]


async def test_an_error_has_its_code_and_data() -> None:
    needs: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
    server = Modern({"tools/call": [refused(-32021, data=needs)], "prompts/get": [refused(-32601, 404)]})
    async with connected(server) as connection:
        with pytest.raises(ProtocolError) as caught:
            await connection.call_tool("t", {})
        assert (caught.value.code, caught.value.data) == (-32021, needs)
        with pytest.raises(ProtocolError) as caught:
            await connection.get_prompt("p", {})
        assert caught.value.code == types.METHOD_NOT_FOUND


async def test_a_token_is_asked_for_each_request_and_stepped_up_when_a_scope_lacks() -> None:
    challenges: list[Challenge] = []
    tokens = iter(f"token{number}" for number in range(20))

    async def get_token(_: bool) -> str:
        return next(tokens)

    async def step_up(challenge: Challenge) -> str:
        challenges.append(challenge)
        return "stepped"

    def scope(_: dict[str, Any]) -> web.Response:
        challenge = 'Bearer error="insufficient_scope", scope="api://x/more"'
        return web.Response(status=403, headers={"WWW-Authenticate": challenge})

    server = Modern({"tools/call": [scope, asks("s", one=FORM), done]})
    async with connected(server, auth=TokenAuth(get_token, step_up), elicitation=accept) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"
    sent = [message["headers"]["Authorization"].removeprefix("Bearer ") for message in server.seen]
    assert sent == ["token0", "token1", "token2", "stepped", "token3"]
    assert [challenge.scope for challenge in challenges] == ["api://x/more"]


@pytest.mark.slow
async def test_list_changes_are_heard_and_all_lists_count_as_changed_after_a_break() -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    async def hear(notification: types.ServerNotification) -> None:
        heard.put_nowait(notification.root.method)

    def listened(message: dict[str, Any]) -> web.Response:
        assert message["params"]["notifications"] == {"toolsListChanged": True, "promptsListChanged": True}
        methods = ["subscriptions/acknowledged", "prompts/list_changed", "resources/list_changed"]
        events = [f'data: {{"jsonrpc":"2.0","method":"notifications/{method}"}}\n\n' for method in methods]
        return web.Response(text="".join(events), content_type="text/event-stream")

    server = Modern({"subscriptions/listen": [listened]})
    server.offers = {"tools": {"listChanged": True}, "prompts": {"listChanged": True}, "resources": {}}
    async with connected(server, on_notification=hear):
        assert [await heard.get() for _ in range(4)] == [
            "notifications/prompts/list_changed",
            "notifications/tools/list_changed",
            "notifications/prompts/list_changed",
            "notifications/prompts/list_changed",
        ]


async def test_a_server_that_does_not_let_listen_is_not_asked_again() -> None:
    asked = asyncio.Event()

    def no(message: dict[str, Any]) -> web.Response:
        asked.set()
        return failed(message, -32601, "no", 404)

    server = Modern({"subscriptions/listen": [no]})
    server.offers = {"tools": {"listChanged": True}}
    async with connected(server) as connection:
        await asked.wait()
        await connection.ping()
        await connection.call_tool("t", {})
    assert server.methods().count("subscriptions/listen") == 1


async def test_a_redirect_within_the_origin_is_followed_with_all_that_a_request_has() -> None:
    server = Modern()
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)

    async def moved(_: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": "/mcp"})

    app.router.add_route("*", "/old", moved)
    async with on_loopback(app, "/old") as url, McpConnection(url, timeout=5) as connection:
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.calls()[0]["headers"]["Mcp-Name"] == "t"
