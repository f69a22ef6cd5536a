"""What a request must be before anything of it runs: method, source, media types, size, revision."""

import asyncio
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP
from tests.server.transport.conftest import Serve
from tests.server.transport.program import program

from mcpsecurity_server.transport import Limits

LIST: dict[str, Any] = {"id": 1, "method": "tools/list"}


async def test_other_methods_are_told_which_there_are(serve: Serve) -> None:
    async with serve(program()) as served, served.http.put(served.url) as response:
        assert response.status == 405
        assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD", "POST", "DELETE"} - {"HEAD"}


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json, text/event-stream", 200),
        ("text/event-stream;q=0.5, application/json;q=0.9", 200),
        ("*/*", 200),
        ("application/*, text/*", 200),
        ("application/json", 406),
        ("text/event-stream", 406),
        ("*/*, application/json;q=0", 406),
        ("", 406),
        ("text/html", 406),
    ],
)
async def test_post_must_accept_json_and_an_event_stream(serve: Serve, accept: str, status: int) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        assert await served.status(served.post(LIST, headers | {"Accept": accept})) == status


async def test_get_must_accept_an_event_stream(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        assert await served.status(served.get(headers | {"Accept": "application/json"})) == 406


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("APPLICATION/JSON", 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
async def test_a_body_must_be_json_by_its_content_type(serve: Serve, kind: str, status: int) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        assert await served.status(served.post(LIST, headers | {"Content-Type": kind})) == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:9999", 200),
        ("[::1]:80", 200),
        ("127.0.0.1", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1@evil.example", 421),
        ("", 421),
    ],
)
async def test_only_loopback_names_are_served_unless_others_are_listed(
    serve: Serve, host: str, status: int
) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        assert await served.status(served.post(LIST, headers | {"Host": host})) == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://app.example", 200),
        ("https://APP.example", 200),
        ("http://app.example", 403),
        ("https://app.example.evil.example", 403),
        ("null", 403),
        ("http://localhost:1", 403),
    ],
)
async def test_pages_of_listed_origins_may_call_and_no_others(serve: Serve, origin: str, status: int) -> None:
    async with serve(program(), allowed_origins=["https://app.example"]) as served:
        headers = await served.initialize()
        assert await served.status(served.post(LIST, headers | {"Origin": origin})) == status
        assert await served.status(served.http.delete(served.url, headers={"Origin": "null"})) == 403


async def test_a_page_of_this_very_server_may_call_on_loopback(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        origin = served.url.removesuffix("/mcp")
        assert await served.status(served.post(LIST, headers | {"Origin": origin})) == 200


async def test_a_body_beyond_the_limit_is_refused_while_it_is_read(serve: Serve) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 1000
            await asyncio.sleep(0.001)

    async with serve(program(), limits=Limits(body_bytes=5000)) as served:
        headers = await served.initialize()
        assert await served.status(served.post(b" " * 5001, headers)) == 413
        sent = {"Accept": "*/*", "Content-Type": "application/json", **headers}
        async with served.http.post(served.url, data=endless(), headers=sent) as response:
            assert response.status == 413
        body = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
        assert await served.status(served.post(body + b" " * (5000 - len(body)), headers)) == 200


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
async def test_a_client_gets_the_revision_it_speaks(serve: Serve, version: str) -> None:
    async with serve(program()) as served:
        headers = await served.initialize(version)
        assert headers["MCP-Protocol-Version"] == version
        assert (await served.result("tools/list", {}, headers))["result"]["tools"]


@pytest.mark.parametrize("version", ["2024-11-05", "2031-01-01", "x"])
async def test_a_client_of_another_revision_is_offered_our_latest(serve: Serve, version: str) -> None:
    async with serve(program()) as served:
        assert (await served.initialize(version))["MCP-Protocol-Version"] == "2025-11-25"


async def test_the_version_header_must_name_a_revision_we_speak_or_be_absent(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        wrong = headers | {"MCP-Protocol-Version": "1999-01-01"}
        status, code, text = await served.error(served.post(LIST, wrong))
        assert (status, code) == (400, -32600)
        assert "2025-11-25" in text
        del headers["MCP-Protocol-Version"]
        assert await served.status(served.post(LIST, headers)) == 200


async def test_initialize_says_what_the_server_can_do(serve: Serve) -> None:
    mcp: FastMCP[Any] = FastMCP("Named", instructions="Be kind.")
    async with serve(mcp) as served:
        params = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "x", "version": "1"},
        }
        async with served.post({"id": 0, "method": "initialize", "params": params}) as response:
            result = (await response.json())["result"]
    assert result["serverInfo"]["name"] == "Named"
    assert result["instructions"] == "Be kind."
    assert result["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
    assert result["capabilities"]["tools"] == {"listChanged": True}
    assert result["capabilities"]["logging"] == {}
    assert "completions" not in result["capabilities"]
