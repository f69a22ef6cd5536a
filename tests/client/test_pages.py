"""Lists that come in pages are read to their end, and a private authority is trusted by its file."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mcp import types
from mcp.server.fastmcp import FastMCP
from mcp.server.lowlevel import Server
from mcp.shared.memory import create_connected_server_and_client_session
from semantic_kernel import Kernel
from tests.client.odd import Odd, connected
from tests.support.served import on_loopback

from mcpsecurity import import_mcp_tools
from mcpsecurity.client import McpConnection, ProtocolError, ServerUnavailableError
from mcpsecurity.localcloud.certificates import ensure_certificates
from mcpsecurity_server.transport import mount_mcp

PAGES: dict[str | None, tuple[list[str], str | None]] = {
    None: (["a", "b"], "2"),
    "2": (["c"], "3"),
    "3": (["d"], None),
}


def tool(name: str) -> types.Tool:
    return types.Tool(name=name, inputSchema={"type": "object"})


async def answer(request: web.Request) -> web.Response:
    """Speak just enough of MCP to list tools in pages."""
    if request.method != "POST":
        return web.Response(status=405)
    message = await request.json()
    if "id" not in message:
        return web.Response(status=202)
    result: dict[str, Any] = {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "Pages", "version": "1"},
    }
    if message["method"] == "tools/list":
        names, following = PAGES[(message.get("params") or {}).get("cursor")]
        result = {"tools": [tool(name).model_dump(exclude_none=True) for name in names]}
        result |= {"nextCursor": following} if following else {}
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


async def test_a_connection_reads_every_page() -> None:
    app = web.Application()
    app.router.add_route("*", "/mcp", answer)
    async with on_loopback(app, "/mcp") as url, McpConnection(url) as connection:
        assert [tool.name for tool in await connection.list_tools()] == ["a", "b", "c", "d"]


async def test_a_plain_session_is_imported_with_every_page() -> None:
    server: Server[Any, Any] = Server("Pages")

    @server.list_tools()  # type: ignore[no-untyped-call,untyped-decorator] # the SDK gives it no types
    async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
        names, following = PAGES[request.params.cursor if request.params else None]
        return types.ListToolsResult(tools=[tool(name) for name in names], nextCursor=following)

    async with create_connected_server_and_client_session(server) as session:
        plugin = await import_mcp_tools(Kernel(), session)
    assert set(plugin.functions) == {"a", "b", "c", "d"}


async def test_a_private_authority_is_trusted_by_its_file_and_only_then(tmp_path: Path) -> None:
    certificates, app = ensure_certificates(tmp_path), web.Application()
    mount_mcp(app, FastMCP("Private", log_level="WARNING"))
    async with on_loopback(app, "/mcp", tls=certificates.server_context()) as url:
        async with McpConnection(url, ca_file=certificates.ca_file) as connection:
            assert await connection.list_tools() == []
        with pytest.raises(ServerUnavailableError):
            await McpConnection(url).open()


async def test_a_server_that_does_not_know_a_list_has_nothing_of_the_kind() -> None:
    def unknown(message: dict[str, Any]) -> web.Response:
        error = {"code": types.METHOD_NOT_FOUND, "message": "Method not found"}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})

    lists = ("tools/list", "prompts/list", "resources/list")
    async with connected(Odd(**dict.fromkeys(lists, unknown))) as connection:
        assert await connection.list_tools() == []
        assert await connection.list_prompts() == []
        assert await connection.list_resources() == []


def fetch_failed(message: dict[str, Any]) -> web.Response:
    """Answer as the server of Supabase does when it is offline."""
    error = {"code": types.INTERNAL_ERROR, "message": "fetch failed"}
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})


async def test_an_error_in_place_of_a_list_says_whose_it_is() -> None:
    async with connected(Odd(**{"tools/list": fetch_failed})) as connection:
        with pytest.raises(ProtocolError) as caught:
            await connection.list_tools()
    host = connection.url.split("/")[2]
    assert str(caught.value) == f"The MCP server at {host} answered with an error. It says: fetch failed."
    assert caught.value.code == types.INTERNAL_ERROR


async def test_an_error_in_place_of_a_greeting_says_whose_it_is() -> None:
    with pytest.raises(ProtocolError, match=r"^The MCP server at .+ It says: fetch failed\.$") as caught:
        async with connected(Odd(initialize=fetch_failed)):
            pass
    assert caught.value.code == types.INTERNAL_ERROR


async def test_an_error_in_place_of_a_result_is_the_servers_alone_for_a_model_reads_it() -> None:
    async with connected(Odd(**{"tools/call": fetch_failed})) as connection:
        with pytest.raises(ProtocolError, match=r"^fetch failed$"):
            await connection.call_tool("t", {})
