"""JSON-RPC: malformed messages, the codes of errors, and batches."""

from collections.abc import Callable
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP
from tests.server.transport.conftest import Serve
from tests.server.transport.program import program

from mcpsecurity_server.transport import Limits

ARGUMENT = {"name": "topic", "value": "M"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":NaN}', -32700),
        (b"null", -32600),
        (b"5", -32600),
        (b'"text"', -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":[],"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":"x"}}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"x"}}', -32600),
        (b"[" * 100 + b"]" * 100, -32600),
        (b"[" * 100_000, -32700),
    ],
)
async def test_a_malformed_message_is_refused_with_its_code(serve: Serve, body: bytes, code: int) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        async with served.post(body, headers) as response:
            answer = await response.json()
    assert response.status == 400
    assert answer["error"]["code"] == code
    assert answer.get("id", 1) == 1


@pytest.mark.parametrize("level", [lambda value: {"x": value}, lambda value: [value]])
async def test_a_message_nested_deeper_than_the_limit_is_refused(
    serve: Serve, level: Callable[[Any], Any]
) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: Any = {}
        for _ in range(levels - 1):
            value = level(value)
        return {"id": 1, "method": "ping", "params": {"x": value}}

    async with serve(program(), limits=Limits(json_depth=20)) as served:
        headers = await served.initialize()
        assert await served.status(served.post(nested(18), headers)) == 200
        assert (await served.error(served.post(nested(19), headers)))[:2] == (400, -32600)


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no/such", {}, -32601),
        ("tools/call", {"name": "none"}, -32602),
        ("tools/call", {}, -32602),
        ("tools/call", {"name": "add", "arguments": []}, -32602),
        ("tools/call", {"name": 7}, -32602),
        ("prompts/get", {"name": "none"}, -32602),
        ("prompts/get", {"name": "ask"}, -32602),
        ("resources/read", {"uri": "fixed://none"}, -32002),
        ("resources/read", {}, -32602),
        ("resources/subscribe", {}, -32602),
        ("logging/setLevel", {"level": "loud"}, -32602),
        ("completion/complete", {"ref": {"type": "ref/none"}}, -32602),
        ("tools/list", {"cursor": "nonsense"}, -32602),
    ],
)
async def test_a_request_that_fails_has_the_code_of_its_kind(
    serve: Serve, method: str, params: dict[str, Any], code: int
) -> None:
    async with serve(program()) as served:
        answer = await served.result(method, params, await served.initialize())
    assert answer["error"]["code"] == code
    assert answer["id"] == 1


async def test_bad_arguments_of_a_tool_are_a_result_that_the_model_can_read(serve: Serve) -> None:
    async with serve(program()) as served:
        params = {"name": "add", "arguments": {"a": "x"}}
        answer = await served.result("tools/call", params, await served.initialize())
    assert answer["result"]["isError"]
    assert "validation error" in answer["result"]["content"][0]["text"]


async def test_json_in_a_string_is_read_as_some_clients_send_it(serve: Serve) -> None:
    async with serve(program()) as served:
        params = {"name": "add", "arguments": {"a": "1", "b": 2}}
        answer = await served.result("tools/call", params, await served.initialize())
    assert answer["result"]["structuredContent"] == {"result": 3}


async def test_ping_is_answered_before_there_is_a_session(serve: Serve) -> None:
    async with serve(program()) as served:
        assert await served.result("ping", {}, {}) == {"jsonrpc": "2.0", "id": 1, "result": {}}


async def test_ids_come_back_as_they_were_sent(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        for id in ("", "x" * 1000, 0, -1, 2**62):  # noqa: A001 - the protocol's word
            async with served.post({"id": id, "method": "ping"}, headers) as response:
                assert (await response.json())["id"] == id


async def test_notifications_and_answers_are_accepted_without_a_body(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        for message in (
            {"method": "notifications/unheard-of"},
            {"method": "notifications/cancelled", "params": {"requestId": "unknown"}},
            {"method": "notifications/cancelled", "params": {"requestId": {}}},
            {"method": "notifications/progress", "params": {"nonsense": 1}},
            {"id": "unknown", "result": {}},
            {"id": "unknown", "error": {"code": 1, "message": "x"}},
        ):
            async with served.post(message, headers) as response:
                assert (response.status, await response.read()) == (202, b"")


async def test_a_batch_of_the_first_revision_is_answered_as_a_batch(serve: Serve) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/unheard-of"},
        {
            "jsonrpc": "2.0",
            "id": "b",
            "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": 1, "b": 2}},
        },
        {"jsonrpc": "2.0", "id": "c", "method": "no/such"},
    ]
    async with serve(program()) as served:
        headers = await served.initialize("2025-03-26")
        async with served.post(batch, headers) as response:
            answers = {answer["id"]: answer for answer in await response.json()}
        assert answers.keys() == {"a", "b", "c"}
        assert answers["b"]["result"]["structuredContent"] == {"result": 3}
        assert answers["c"]["error"]["code"] == -32601
        assert await served.status(served.post([batch[1]], headers)) == 202


@pytest.mark.parametrize(
    "batch",
    [
        [],
        [{"jsonrpc": "2.0", "id": 1, "method": "initialize"}],
        [{"jsonrpc": "2.0", "id": 1, "method": "ping"}] * 2,
        [7],
        [{"jsonrpc": "2.0", "method": "x"}] * 101,
    ],
)
async def test_a_batch_that_breaks_a_rule_is_refused_whole(serve: Serve, batch: list[Any]) -> None:
    async with serve(program()) as served:
        headers = await served.initialize("2025-03-26")
        assert (await served.error(served.post(batch, headers)))[:2] == (400, -32600)


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_later_revisions_have_no_batches(serve: Serve, version: str) -> None:
    async with serve(program()) as served:
        headers = await served.initialize(version)
        batch = [{"jsonrpc": "2.0", "id": 1, "method": "ping"}]
        assert (await served.error(served.post(batch, headers)))[:2] == (400, -32600)


async def test_a_tool_that_only_the_permitted_may_call_is_refused_before_it_runs(serve: Serve) -> None:
    from aiohttp import web

    async def before_call(name: str, _: web.Request) -> None:
        if name == "wait":
            raise web.HTTPForbidden(text="not you")

    async with serve(program(), before_call=before_call) as served:
        headers = await served.initialize("2025-03-26")
        assert await served.status(served.call("wait", headers)) == 403
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "wait"}}
        assert await served.status(served.post([call], headers)) == 403
        assert await served.status(served.call("add", headers, a=1, b=2)) == 200


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("resources/read", {"uri": "broken://one"}, -32603),
        ("prompts/get", {"name": "broken"}, -32602),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "x"}, "argument": ARGUMENT}, -32603),
    ],
)
async def test_a_failure_inside_the_program_tells_outsiders_nothing(
    serve: Serve, method: str, params: dict[str, Any], code: int
) -> None:
    mcp: FastMCP[Any] = FastMCP("Broken")

    @mcp.resource("broken://one")
    def one() -> str:
        raise RuntimeError("secret of the resource")

    @mcp.completion()  # type: ignore[no-untyped-call, untyped-decorator] # the SDK has no types for it
    async def complete(*_: Any) -> Any:
        raise RuntimeError("secret of the completion")

    async with serve(mcp) as served:
        answer = await served.result(method, params, await served.initialize())
    assert answer["error"]["code"] == code
    assert "secret" not in str(answer)
