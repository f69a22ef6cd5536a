"""A key in headers: each request to the server carries it, and no other request does."""

import logging
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from tests.support.keyed import KEY, keyed_server
from tests.support.served import on_loopback

from mcpsecurity.client import (
    AccessDeniedError,
    BridgeError,
    HeaderAuth,
    KeyRefusedError,
    McpConnection,
    ServerUnavailableError,
    SignInRequiredError,
    TokenAuth,
    result_text,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def a_token(_: bool) -> str:
    return "token-1"


async def test_each_request_carries_the_key() -> None:
    async with keyed_server() as server:
        async with McpConnection(server.url, auth=HeaderAuth({"X-Api-Key": KEY})) as connection:
            assert [tool.name for tool in await connection.list_tools()] == ["look_up"]
            result = await connection.call_tool("look_up", {"title": "Bees"})
            assert result_text(result) == "Bees is an article."
        assert len(server.sent) >= 4
        assert {headers.get("x-api-key") for headers in server.sent} == {KEY}


async def test_a_bearer_key_is_sent_as_it_is_written() -> None:
    async with keyed_server("Authorization", f"Bearer {KEY}") as server:
        auth = HeaderAuth({"Authorization": f"Bearer {KEY}"})
        async with McpConnection(server.url, auth=auth) as connection:
            await connection.ping()


async def test_a_token_is_sent_besides() -> None:
    async with keyed_server() as server:
        auth = HeaderAuth({"X-Api-Key": KEY}, TokenAuth(a_token))
        async with McpConnection(server.url, auth=auth) as connection:
            await connection.ping()
        assert {headers["authorization"] for headers in server.sent} == {"Bearer token-1"}


@pytest.mark.parametrize(
    ("status", "words"), [(401, "refuses the key"), (403, "does not allow this with the key")]
)
@pytest.mark.parametrize("wrong", ["sk-wrong-0815", "Bearer sk-wrong-0815"])
async def test_a_refusal_is_typed_and_repeats_no_key(
    status: int, words: str, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with keyed_server() as server:
        server.status = status
        with pytest.raises(KeyRefusedError, match=words) as caught:
            await McpConnection(server.url, auth=HeaderAuth({"X-Api-Key": wrong})).open()
        assert isinstance(caught.value, AccessDeniedError)
        assert not isinstance(caught.value, SignInRequiredError)
        assert "is not valid" in str(caught.value)
        assert len(server.sent) == 1, "a wrong key is not tried again"
    assert "sk-wrong-0815" not in f"{caught.value} {caplog.text}"


async def test_with_a_token_besides_a_refusal_may_be_about_the_token() -> None:
    async with keyed_server() as server:
        auth = HeaderAuth({"X-Api-Key": "wrong"}, TokenAuth(a_token))
        with pytest.raises(SignInRequiredError):
            await McpConnection(server.url, auth=auth).open()


def redirecting(to: str, status: int) -> Handler:
    async def redirect(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": to})

    return redirect


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_takes_the_key_to_another_origin(status: int) -> None:
    async with keyed_server() as other:
        app = web.Application()
        app.router.add_route("*", "/mcp", redirecting(other.url, status))
        async with on_loopback(app, "/mcp") as url:
            with pytest.raises(ServerUnavailableError, match="redirects to"):
                await McpConnection(url, auth=HeaderAuth({"X-Api-Key": KEY})).open()
        assert other.sent == []


async def test_a_redirect_within_the_origin_keeps_the_key() -> None:
    keys: list[str | None] = []

    async def refuse(request: web.Request) -> web.StreamResponse:
        keys.append(request.headers.get("X-Api-Key"))
        return web.Response(status=401)

    app = web.Application()
    app.router.add_route("*", "/old", redirecting("/mcp", 307))
    app.router.add_route("*", "/mcp", refuse)
    async with on_loopback(app, "/old") as url:
        with pytest.raises(KeyRefusedError):
            await McpConnection(url, auth=HeaderAuth({"X-Api-Key": KEY})).open()
    assert keys == [KEY]


async def test_nothing_is_sent_over_a_network_unencrypted() -> None:
    auth = HeaderAuth({"X-Api-Key": KEY})
    with pytest.raises(BridgeError, match="a key is sent by https only") as caught:
        await McpConnection("http://192.0.2.1/mcp", auth=auth).open()
    assert KEY not in f"{caught.value!r} {auth!r}"


def test_a_token_and_a_key_do_not_both_go_into_authorization() -> None:
    with pytest.raises(ValueError, match="leave this header out"):
        HeaderAuth({"authorization": f"Bearer {KEY}"}, TokenAuth(a_token))
    with pytest.raises(ValueError, match="Host is set by the client"):
        HeaderAuth({"Host": KEY})
