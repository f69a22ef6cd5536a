"""Each person signs in at the authorization server of an MCP server, from the page and back to it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from tests.support.oauth import Instead, SignedInServer, protected, query_of
from tests.support.programs import redis_server
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.visitor import Visitor
from yarl import URL

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.settings import McpServerSettings

START = "/servers/notes/signin?next=/"


def notes(server: SignedInServer, **more: Any) -> McpServerSettings:
    return McpServerSettings.model_validate(
        {"name": "notes", "title": "My notes", "url": server.url, "sign_in": "oauth", **more}
    )


class Chat(NamedTuple):
    """A web chat with such a server."""

    server: SignedInServer
    url: str


@asynccontextmanager
async def chat_with(
    serve_web: ServeWeb, instead: Instead | None = None, more: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[Chat]:
    async with (
        protected(instead, **options) as server,
        serve_web(more_servers=(notes(server, **more or {}),)) as url,
    ):
        yield Chat(server, url)


async def sign_in(visitor: Visitor, start: str = START) -> str:
    """Sign in for the server; return where the browser is sent back to, before it goes there."""
    asked = await visitor.get(start)
    assert asked.status == 302, asked.body
    return (await visitor.get(asked.location)).location


async def status_of(visitor: Visitor, wanted: str) -> Any:
    """Return the page's view of the server once it has a status."""
    async with visitor.stream() as stream, asyncio.timeout(60):
        servers = (await stream.until("snapshot"))["servers"]
        while servers[1]["status"] != wanted:
            servers = (await stream.until("servers.changed"))["servers"]
    return servers[1]


async def failed(visitor: Visitor, path: str) -> str:
    """Return what the page says of a sign-in that failed."""
    answer = await visitor.get(path)
    assert answer.status in (400, 503), answer.body
    return str(answer.body).partition('role="alert">')[2].partition("</p>")[0].replace("&#39;", "'")


async def test_a_server_that_refuses_strangers_by_403_has_a_person_sign_in(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web, {"/mcp to a stranger": 403}) as chat:
        visitor = visitors(url=chat.url)
        await visitor.sign_in()
        shown = await status_of(visitor, "sign_in")
        await visitor.get(await sign_in(visitor, shown["sign_in_url"]))
        await status_of(visitor, "ready")


async def test_an_issuer_of_another_name_is_used_once_the_operator_has_set_it(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    named, instead = "https://auth.example", Instead()
    for more in ({}, {"issuer": named}):
        async with chat_with(serve_web, instead, more) as chat:
            origin = chat.server.url.removesuffix("/mcp")
            instead["/.well-known/oauth-authorization-server"] = {
                "issuer": named,
                "token_endpoint": f"{origin}/token",
                "authorization_endpoint": f"{origin}/authorize",
                "registration_endpoint": f"{origin}/register",
                "code_challenge_methods_supported": ["S256"],
            }
            visitor = visitors(url=chat.url)
            await visitor.sign_in()
            if not more:
                assert "set that as the issuer of the server" in await failed(visitor, START)
            else:
                await visitor.get(await sign_in(visitor))
                await status_of(visitor, "ready")


async def test_a_person_signs_in_for_a_server_and_its_tools_are_called(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        seen = await status_of(visitor, "sign_in")
        assert seen["sign_in_url"] == f"/servers/notes/signin?next=/chats/{visitor.chat_id}"
        assert "asks for a sign-in" in seen["message"]

        back = await visitor.get(await sign_in(visitor, seen["sign_in_url"]))
        assert (back.status, back.location) == (302, f"/chats/{visitor.chat_id}")
        await visitor.open(back.location)
        ready = await status_of(visitor, "ready")
        assert [tool["name"] for tool in ready["offers"]] == ["whoami"]
        async with visitor.stream() as stream:
            await visitor.ask("Please call the tool whoami of my notes: say who is signed in")
            call = (await stream.until("tool.proposed"))["call"]
            assert (call["server"], call["tool"]) == ("notes", "whoami")
            await visitor.decide(call, "approve")
            assert (await stream.until("tool.done"))["status"] == "done"
        [asked] = chat.server.tokens.asked
        assert asked.resource == chat.server.url
        secrets = [*chat.server.tokens.access, *chat.server.tokens.refresh, str(asked.state)]
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("mcpsecurity")]
        assert [secret for secret in secrets if secret in "".join([*ours, *visitor.pages])] == []


async def test_each_person_signs_in_for_herself_and_signing_out_forgets_the_tokens(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        one, other = await visitors(url=chat.url).sign_in(), await visitors(url=chat.url).sign_in()
        await visitor_signed_in(one)
        assert (await status_of(other, "sign_in"))["tools"] == 0
        assert len(chat.server.tokens.refresh) == 1
        assert (await one.command("/signout", data={"csrf_token": one.csrf})).status == 303
        assert chat.server.tokens.refresh == {}, "it is revoked at the authorization server"
        await one.sign_in()
        assert (await status_of(one, "sign_in"))["tools"] == 0
    assert len(chat.server.tokens.clients) == 1


async def test_signing_out_deletes_the_tokens_in_redis(visitors: NewPerson, serve_web: ServeWeb) -> None:
    keys = Fernet.generate_key().decode()
    async with redis_server() as redis, protected() as server:
        address = f"redis://127.0.0.1:{redis.port}"
        shared = {"redis_url": SecretStr(address), "keys": SecretStr(keys)}
        connection = RedisConnection(address, EncryptionKeys(keys))
        async with serve_web(more_servers=(notes(server),), **shared) as url:
            visitor = await visitors(url=url).sign_in()
            await visitor_signed_in(visitor)
            assert await connection.client.keys("*server-grants*")
            await visitor.command("/signout", data={"csrf_token": visitor.csrf})
            assert await connection.client.keys("*server-grants*") == []
        await connection.client.aclose()


async def visitor_signed_in(visitor: Visitor) -> None:
    back = await visitor.get(await sign_in(visitor))
    assert back.status == 302, back.body
    await visitor.open("/")
    await status_of(visitor, "ready")


async def test_a_token_that_was_revoked_is_refreshed_without_the_person(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        chat.server.tokens.access.clear()
        await visitor.new_chat()
        assert (await status_of(visitor, "ready"))["tools"] == 1
    assert chat.server.tokens.refreshed >= 1
    assert len(chat.server.tokens.asked) == 1


async def test_without_anything_to_refresh_with_the_page_offers_the_sign_in_again(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        chat.server.tokens.access.clear()
        chat.server.tokens.refresh.clear()
        await visitor.new_chat()
        assert (await status_of(visitor, "sign_in"))["sign_in_url"]
        assert (await visitor.get("/")).status == 200, "the session of the chat goes on"
        await visitor_signed_in(visitor)


async def test_an_answer_counts_once_and_only_in_the_session_that_began(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        one, other = await visitors(url=chat.url).sign_in(), await visitors(url=chat.url).sign_in()
        expired = "This sign-in expired or was started elsewhere. Please try again."
        stolen = await sign_in(one)
        assert await failed(other, stolen) == expired
        wrong = str(URL(stolen).update_query(state="another"))
        assert await failed(one, wrong) == expired
        assert (await one.get(stolen)).status == 302
        assert await failed(one, stolen) == expired


async def test_a_code_of_another_server_is_not_taken_for_the_one_that_was_asked(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with (
        protected() as server,
        serve_web(more_servers=(notes(server), notes(server, name="evil"))) as url,
    ):
        visitor = await visitors(url=url).sign_in()
        back = URL(await sign_in(visitor, "/servers/evil/signin?next=/"))
        assert back.path == "/signin-server/evil"
        elsewhere = str(back.with_path("/signin-server/notes").with_query(back.query))
        assert "started elsewhere" in await failed(visitor, elsewhere)
        assert not server.tokens.access


async def test_a_server_that_asks_strangers_for_nothing_but_says_where_to_sign_in(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    instead = Instead()
    async with chat_with(serve_web, instead) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        instead["/mcp"] = {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert (await visitor.get(START)).status == 302
        instead["/.well-known/oauth-protected-resource/mcp"] = 404
        assert "asks for no sign-in" in await failed(visitor, START)


async def test_after_sign_ins_that_nobody_finished_the_chat_registers_anew(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    now = [time.time()]
    async with (
        protected() as server,
        serve_web(app={"clock": lambda: now[0]}, more_servers=(notes(server),)) as url,
    ):
        visitor = await visitors(url=url).sign_in()
        await visitor.get(await sign_in(visitor))
        server.tokens.clients.clear()
        asked = [query_of((await visitor.get(START)).location)["client_id"] for _ in range(9)]
        assert len({*asked}) == 1
        now[0] += 61.0
        again = [query_of((await visitor.get(START)).location)["client_id"] for _ in range(9)]
        assert again[0] != asked[0]
        assert {*again} == server.tokens.clients.keys()


async def test_many_sign_ins_at_once_register_the_chat_once_and_are_limited(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with protected() as server, serve_web(more_servers=(notes(server),), commands_per_minute=10) as url:
        visitor = await visitors(url=url).sign_in()
        answers = await asyncio.gather(*(visitor.get(START) for _ in range(10)))
        assert {answer.status for answer in answers} == {302}
        assert len(server.tokens.clients) == 1
        assert (await visitor.get(START)).status == 429


async def test_another_session_of_the_same_browser_does_not_get_the_tokens(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        back = await sign_in(visitor)
        await visitor.command("/signout", data={"csrf_token": visitor.csrf})
        assert (await visitor.get(back)).location.startswith("/signin"), "nobody is signed in"
        await visitor.sign_in()
        assert "started elsewhere" in await failed(visitor, back)


async def test_what_goes_wrong_is_said_on_a_page(visitors: NewPerson, serve_web: ServeWeb) -> None:
    instead = Instead()
    async with chat_with(serve_web, instead) as chat:
        visitor, tokens = await visitors(url=chat.url).sign_in(), chat.server.tokens
        host = URL(chat.server.url).authority
        tokens.denies = True
        assert await failed(visitor, await sign_in(visitor)) == (
            f"You did not sign in at {host}, or it gave no access."
        )
        tokens.denies, tokens.issuer = False, "https://other.example"
        assert "came from another authorization server" in await failed(visitor, await sign_in(visitor))
        tokens.issuer = None
        back = await sign_in(visitor)
        instead["/token"] = 503
        assert await failed(visitor, back) == f"{host} gave no token: HTTP 503."
        instead["/.well-known/oauth-authorization-server"] = 500
        assert "answers with status 500 instead of saying where to sign in" in await failed(visitor, START)
        resource = {"resource": "https://bank.example/mcp", "authorization_servers": ["https://bank.example"]}
        instead["/.well-known/oauth-protected-resource/mcp"] = resource
        assert "wants a token for https://bank.example/mcp" in await failed(visitor, START)
        inside = {"resource": chat.server.url, "authorization_servers": ["https://169.254.169.254"]}
        instead["/.well-known/oauth-protected-resource/mcp"] = inside
        assert "an address that is not used: 169.254.169.254" in await failed(visitor, START)
        assert not tokens.access


async def test_a_server_that_registers_nobody_needs_a_client_of_the_operators(
    visitors: NewPerson, serve_web: ServeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with chat_with(serve_web, registers=False) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        assert "lets no client register by itself" in await failed(visitor, START)
    monkeypatch.setenv("NOTES_SECRET", "hidden")
    by_hand = {"client_id": "by-hand", "client_secret": "${NOTES_SECRET}"}
    async with chat_with(serve_web, more=by_hand) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        asked = query_of((await visitor.get(START)).location)
    assert asked["client_id"] == "by-hand"
    assert "hidden" not in str(asked)


async def test_a_server_that_refuses_its_own_tokens_is_no_loop(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web, forgets=True) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        assert (await visitor.get(await sign_in(visitor))).status == 302
        await visitor.open("/")
        assert "asks for a sign-in" in (await status_of(visitor, "sign_in"))["message"]
    assert len(chat.server.tokens.asked) == 1


async def test_a_sign_in_for_more_asks_for_what_is_held_as_well(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        asked = query_of((await visitor.get(f"{START}&scope=more")).location)
        assert set(asked["scope"].split()) == {"notes", "more"}


async def test_a_link_of_another_site_asks_for_nothing_more(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        for site, scope in (("cross-site", "notes"), ("same-site", "notes"), ("same-origin", "more notes")):
            answer = await visitor.get(f"{START}&scope=more", headers={"Sec-Fetch-Site": site})
            assert query_of(answer.location)["scope"] == scope


async def test_only_signed_in_people_begin_and_only_for_servers_of_the_kind(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        stranger = visitors(url=chat.url)
        assert (await stranger.get(START)).location.startswith("/signin")
        visitor = await stranger.sign_in()
        assert (await visitor.get("/servers/Tools/signin")).status == 404
        document = (await visitor.get("/oauth-client.json")).body
        assert document["redirect_uris"] == [f"{visitor.url}/signin-server/notes"]


async def test_an_authorization_server_that_is_away_does_not_hinder_the_sign_out(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    instead = Instead()
    async with chat_with(serve_web, instead) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        instead["/revoke"] = 503
        assert (await visitor.command("/signout", data={"csrf_token": visitor.csrf})).status == 303
        assert (await visitor.get("/")).location.startswith("/signin")
        [token] = chat.server.tokens.refresh
    assert "was not revoked: HTTP 503" in caplog.text
    assert token not in caplog.text
