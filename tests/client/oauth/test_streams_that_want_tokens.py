"""A sign-in for a server with the older transport HTTP+SSE, which asks for it when its stream is opened."""

import asyncio
from typing import Any

import httpx
from mcp.server.fastmcp import FastMCP
from tests.support.oauth import browser, protected, serving_asgi
from tests.support.ports import free_port

from mcpsecurity.client import McpConnection, result_text
from mcpsecurity.client.oauth import BoundedRequests, OAuthSignIn, browser_auth
from mcpsecurity.runtime.tls import client_ssl_context


def sign_in_at(url: str) -> OAuthSignIn:
    return OAuthSignIn(url, BoundedRequests(url, client_ssl_context(None)))


async def test_a_person_signs_in_for_a_server_with_the_older_transport() -> None:
    visits = list[str]()

    def visit(url: str) -> bool:
        visits.append(url)
        return browser(url)

    async with protected(path="/sse") as server:
        assert await sign_in_at(server.url).authorization_servers() == [server.url.removesuffix("sse")]
        auth = browser_auth(server.url, tell=lambda _: None, open_page=visit)
        async with McpConnection(server.url, auth=auth) as connection:
            assert result_text(await connection.call_tool("whoami", {})) == "a person"
    assert len(visits) == 1


async def test_an_open_stream_is_not_read_to_its_end_for_a_sign_in() -> None:
    mcp: FastMCP[Any] = FastMCP("open", log_level="ERROR")
    port = free_port()
    async with serving_asgi(mcp.sse_app(), port), asyncio.timeout(30):
        answer = await sign_in_at(f"http://127.0.0.1:{port}/sse").probe()
    assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
