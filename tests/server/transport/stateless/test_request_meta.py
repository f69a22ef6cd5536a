"""What surrounds a request: which era it is of, its `_meta`, its headers, and how it is refused."""

from base64 import b64encode
from typing import Any

import pytest
from mcp.server.fastmcp import Context, FastMCP
from multidict import CIMultiDict
from tests.server.transport.stateless.conftest import PREFIX, VERSION, Connect, envelope

from mcpsecurity_server.transport.stateless.request_meta import decode_value


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP("Program", instructions="Adds.")

    @mcp.tool()
    def add(a: int, b: int) -> int:
        return a + b

    @mcp.tool(name="straße")
    def street() -> str:
        return "here"

    @mcp.resource("test://text")
    def text() -> str:
        return "a text"

    return mcp


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in envelope().items() if name != PREFIX + key}


async def test_a_request_without_handshake_is_answered(connect: Connect) -> None:
    async with connect(program()) as client:
        reply = await client.call("add", {"a": 1, "b": 2})
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert reply.result["structuredContent"] == {"result": 3}
    assert reply.result["resultType"] == "complete"
    assert reply.result["_meta"][f"{PREFIX}serverInfo"]["name"] == "Program"


async def test_what_a_client_said_before_is_told_from_what_is_only_equal(connect: Connect) -> None:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    def said(ctx: Context[Any, Any, Any]) -> str:
        client = ctx.session.client_params
        assert client is not None
        return repr((client.clientInfo.name, client.capabilities.experimental))

    heard = []
    async with connect(mcp) as client:
        for name, value in [("a", "1"), ("a", "1"), ("b", "1"), ("b", 1), ("b", 1), ("b", True), ("b", 1.0)]:
            meta = envelope(experimental={"x": {"y": value}})
            meta[f"{PREFIX}clientInfo"] = {"name": name, "version": "1"}
            reply = await client.call("said", _meta=meta)
            heard.append((reply.result["content"][0]["text"], repr((name, {"x": {"y": value}}))))
    assert [told for told, _ in heard] == [said for _, said in heard]


async def test_the_server_can_be_discovered(connect: Connect) -> None:
    async with connect(program()) as client:
        result = (await client.request("server/discover")).result
    assert result["supportedVersions"] == [VERSION, "2025-11-25", "2025-06-18", "2025-03-26"]
    assert result["capabilities"]["tools"] == {"listChanged": True}
    assert result["instructions"] == "Adds."
    assert (result["ttlMs"], result["cacheScope"]) == (60_000, "private")


@pytest.mark.parametrize(
    ("meta", "code"),
    [
        (without("protocolVersion"), -32602),
        (without("clientCapabilities"), -32602),
        ("text", -32602),
        (envelope() | {f"{PREFIX}clientCapabilities": [1]}, -32602),
        (envelope() | {f"{PREFIX}clientInfo": "me"}, -32602),
        (envelope() | {f"{PREFIX}logLevel": "loud"}, -32602),
        (envelope() | {f"{PREFIX}protocolVersion": "2099-01-01"}, -32020),
        (envelope() | {f"{PREFIX}protocolVersion": None}, -32020),
    ],
)
async def test_a_wrong_envelope_is_refused(connect: Connect, meta: Any, code: int) -> None:
    async with connect(program()) as client:
        reply = await client.request("tools/list", {"_meta": meta})
    assert (reply.status, reply.code, reply.body["id"]) == (400, code, 7)


async def test_a_version_that_is_not_served_is_named_with_those_that_are(connect: Connect) -> None:
    async with connect(program()) as client:
        reply = await client.request(
            "tools/list",
            {"_meta": envelope() | {f"{PREFIX}protocolVersion": "2099-01-01"}},
            {"MCP-Protocol-Version": "2099-01-01"},
        )
    assert (reply.status, reply.code) == (400, -32022)
    assert reply.body["error"]["data"]["requested"] == "2099-01-01"
    assert VERSION in reply.body["error"]["data"]["supported"]


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": None},
        {"MCP-Protocol-Version": "2025-11-25"},
        {"Mcp-Method": None},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Method": "Tools/Call"},
        {"Mcp-Name": None},
        {"Mcp-Name": "ADD"},
        {"Mcp-Name": "=?base64?YWRk!?="},
    ],
)
async def test_headers_have_to_agree_with_the_body(connect: Connect, headers: dict[str, str | None]) -> None:
    async with connect(program()) as client:
        params = {"name": "add", "arguments": {"a": 1, "b": 2}}
        reply = await client.request("tools/call", params, headers)
    assert (reply.status, reply.code, reply.body["id"]) == (400, -32020, 7)


async def test_a_header_that_is_there_twice_is_refused(connect: Connect) -> None:
    async with connect(program()) as client:
        params = {"name": "add", "arguments": {"a": 1, "b": 2}}
        once = await client.request("tools/call", params, {"mcp-method": "tools/call", "Mcp-Method": None})
        headers = CIMultiDict(
            {k: v for k, v in client.standard("tools/call", params).items() if v is not None}
        )
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params | {"_meta": envelope()}}
        headers.add("Mcp-Method", "tools/call")
        async with client.http.post(client.url, json=body, headers=headers) as response:
            twice = await response.json()
    assert once.status == 200
    assert (response.status, twice["error"]["code"]) == (400, -32020)


async def test_a_name_beyond_ascii_comes_in_base64(connect: Connect) -> None:
    name = f"=?base64?{b64encode('straße'.encode()).decode()}?="
    async with connect(program()) as client:
        reply = await client.request("tools/call", {"name": "straße"}, {"Mcp-Name": name})
    assert reply.result["content"][0]["text"] == "here"


@pytest.mark.parametrize("uri", ["note://a?b=c", "=?base64?eA==?="])
async def test_an_equals_sign_is_no_base64_but_in_its_place(connect: Connect, uri: str) -> None:
    async with connect(program()) as client:
        code = (await client.request("resources/read", {"uri": uri})).code
    assert (code == -32020) == uri.startswith("=")


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ("plain", "plain"),
        ("=?base64?SGVsbG8=?=", "Hello"),
        ("=?base64?SGVsbG8?=", None),
        ("=?base64?SGVs!!!bG8=?=", None),
        ("=?base64?SGVsbG9=?=", None),
        ("=?base64?/w==?=", None),
        ("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?="),
        ("=?base64?SGVsbG8=", "=?base64?SGVsbG8="),
        (None, None),
    ],
)
def test_base64_in_headers_has_one_spelling(value: str | None, decoded: str | None) -> None:
    assert decode_value(value) == decoded


@pytest.mark.parametrize(
    "method", ["ping", "initialize", "logging/setLevel", "resources/subscribe", "tasks/get", "x"]
)
async def test_methods_that_are_gone_or_unknown_are_not_found(connect: Connect, method: str) -> None:
    async with connect(program()) as client:
        reply = await client.request(method)
    assert (reply.status, reply.code) == (404, -32601)


async def test_an_unknown_tool_or_resource_is_an_invalid_parameter(connect: Connect) -> None:
    async with connect(program()) as client:
        tool = await client.call("nothing")
        resource = await client.request("resources/read", {"uri": "test://nothing"})
    assert (tool.status, tool.code) == (400, -32602)
    assert (resource.status, resource.code) == (400, -32602)
    assert resource.body["error"]["data"] == {"uri": "test://nothing"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_get_and_delete_are_not_of_this_revision(connect: Connect, method: str) -> None:
    async with connect(program()) as client:
        headers = {"MCP-Protocol-Version": VERSION, "Accept": "text/event-stream"}
        async with client.http.request(method, client.url, headers=headers) as response:
            assert response.status == 405
            assert response.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, 202),
        ([{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}], 400),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, 400),
        ({"jsonrpc": "1.0", "id": 1, "method": "tools/list"}, 400),
    ],
)
async def test_only_single_requests_and_notifications_are_taken(
    connect: Connect, body: Any, status: int
) -> None:
    async with connect(program()) as client:
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION}
        async with client.http.post(client.url, json=body, headers=headers) as response:
            assert response.status == status


async def test_a_session_id_is_ignored_and_none_is_given(connect: Connect) -> None:
    async with connect(program()) as client:
        params = {"name": "add", "arguments": {"a": 1, "b": 2}}
        async with client.open("tools/call", params, {"Mcp-Session-Id": "made-up"}) as response:
            assert response.status == 200
            assert "Mcp-Session-Id" not in response.headers


async def test_both_eras_are_served_at_the_same_path(connect: Connect) -> None:
    async with connect(program()) as client:
        headers = {"Accept": "application/json, text/event-stream"}
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
        async with client.http.post(client.url, json=body, headers=headers) as response:
            assert (await response.json())["result"]["protocolVersion"] == "2025-11-25"
        assert (await client.call("add", {"a": 1, "b": 2})).status == 200
