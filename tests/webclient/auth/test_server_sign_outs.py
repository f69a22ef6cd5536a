"""A person signs out of one MCP server, and stays signed in to the chat and to the other servers."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cryptography.fernet import Fernet
from mcp.server.fastmcp import FastMCP
from pydantic import SecretStr
from tests.browser.stack import Stack
from tests.support.eventually import eventually
from tests.support.oauth import Instead, protected, redirected
from tests.support.ports import free_port
from tests.support.programs import redis_server
from tests.webclient.auth.test_server_sign_ins import (
    chat_with,
    notes,
    sign_in,
    status_of,
    visitor_signed_in,
)
from tests.webclient.conftest import NewPerson, RunChat, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

from mcpsecurity.client.oauth import read_grant
from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_webclient.auth.server_grants import InMemoryServerGrantStore
from mcpsecurity_webclient.auth.server_sign_ins import ServerSignIns

SIGN_OUT = "servers/notes/sign-out"
WHOAMI = "Please call the tool whoami of my notes: say who is signed in"


async def test_the_tokens_of_one_server_are_forgotten_revoked_and_asked_for_again(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        assert "signed_in" not in await status_of(visitor, "sign_in")
        await visitor_signed_in(visitor)
        assert (await status_of(visitor, "ready"))["signed_in"]
        assert len(chat.server.tokens.refresh) == 1

        assert (await visitor.command(SIGN_OUT)).status == 202
        assert chat.server.tokens.refresh == {}, "it is revoked at the authorization server"
        assert ("DELETE", "/mcp", True) in chat.server.seen, "the MCP session has ended"
        left = await status_of(visitor, "sign_in")
        assert (left["tools"], left.get("signed_in")) == (0, None)
        assert left["sign_in_url"] == f"/servers/notes/signin?next=/chats/{visitor.chat_id}"
        assert (await visitor.get("/")).status == 200, "the session of the chat goes on"
        await visitor_signed_in(visitor)


async def test_every_tab_of_the_session_sees_it(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        first, _ = visitor.chat_id, await visitor.new_chat()
        async with visitor.stream() as here:
            visitor.chat_id = first
            async with visitor.stream() as there:
                for tab in (here, there):
                    await shows(tab, "ready")
                assert (await visitor.command(SIGN_OUT)).status == 202
                for tab in (here, there):
                    await shows(tab, "sign_in")


async def shows(tab: EventStream, wanted: str) -> None:
    """Read on until a tab shows the server with a status."""
    async with asyncio.timeout(60):
        while True:
            event = await tab.next()
            if "servers" in event.data and event.data["servers"][1]["status"] == wanted:
                return


async def test_other_servers_and_other_people_keep_their_tokens(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with (
        protected() as server,
        protected() as second,
        serve_web(more_servers=(notes(server), notes(second, name="second"))) as url,
    ):
        one, other = await visitors(url=url).sign_in(), await visitors(url=url).sign_in()
        await visitor_signed_in(one)
        await visitor_signed_in(other)
        assert (await one.get(await sign_in(one, "/servers/second/signin?next=/"))).status == 302
        [kept] = second.tokens.refresh

        assert (await one.command(SIGN_OUT)).status == 202
        assert list(second.tokens.refresh) == [kept]
        assert len(server.tokens.refresh) == 1
        assert (await status_of(other, "ready"))["signed_in"]


async def test_nobody_signs_out_somebody_else_or_of_another_kind_of_server(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        one, other = await visitors(url=chat.url).sign_in(), await visitors(url=chat.url).sign_in()
        await visitor_signed_in(one)
        answer = await other.command(f"/api/chats/{one.chat_id}/{SIGN_OUT}")
        assert (answer.status, answer.error["code"]) == (404, "no_such_chat")
        for name in ("Tools", "unknown"):
            answer = await one.command(f"servers/{name}/sign-out")
            assert (answer.status, answer.error["code"]) == (404, "no_such_server")
        answer = await one.command(SIGN_OUT, headers={"X-CSRF-Token": other.csrf})
        assert (answer.status, answer.error["code"]) == (403, "csrf")
        assert len(chat.server.tokens.refresh) == 1
        assert (await other.command(SIGN_OUT)).status == 202, "without tokens it changes nothing"
        assert len(chat.server.tokens.refresh) == 1


def napping(begun: asyncio.Event) -> Callable[[FastMCP[Any]], None]:
    """Return a function that adds a tool which never ends."""

    def add(mcp: FastMCP[Any]) -> None:
        @mcp.tool()
        async def take_nap() -> None:
            """Take a nap."""
            begun.set()
            await asyncio.Event().wait()

    return add


async def test_a_call_that_runs_fails_and_the_chat_goes_on(visitors: NewPerson, serve_web: ServeWeb) -> None:
    begun = asyncio.Event()
    async with chat_with(serve_web, tools=napping(begun)) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        async with visitor.stream() as stream:
            await visitor.ask("Please call the tool take_nap of my notes")
            await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
            async with asyncio.timeout(60):
                await begun.wait()
            assert (await visitor.command(SIGN_OUT)).status == 202
            ended = await stream.until("tool.done")
            assert ended["status"] == "failed"
            assert "You signed out of My notes while this call was running." in ended["content"][0]["text"]
            assert (await stream.until("run.done"))["status"] == "completed"
            await visitor.ask("hello")
            assert (await stream.until("run.done"))["status"] == "completed"
        seen = {event.data["servers"][1]["status"] for event in stream.events if "servers" in event.data}
        assert "down" not in seen


async def test_a_call_that_is_approved_after_the_sign_out_is_not_made(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with chat_with(serve_web) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        async with visitor.stream() as stream:
            await visitor.ask(WHOAMI)
            call = (await stream.until("tool.proposed"))["call"]
            assert (await visitor.command(SIGN_OUT)).status == 202
            await shows(stream, "sign_in")
            await visitor.decide(call, "approve")
            ended = await stream.until("tool.done")
        assert ended["content"][0]["text"] == "This call was not made: its server needs you to sign in."


async def test_an_authorization_server_that_revokes_nothing_does_not_hinder_it(
    visitors: NewPerson, serve_web: ServeWeb, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    instead = Instead()
    async with chat_with(serve_web, instead) as chat:
        visitor = await visitors(url=chat.url).sign_in()
        await visitor_signed_in(visitor)
        instead["/revoke"] = 503
        assert (await visitor.command(SIGN_OUT)).status == 202
        assert "signed_in" not in await status_of(visitor, "sign_in")
        [token] = chat.server.tokens.refresh
    assert "was not revoked: HTTP 503" in caplog.text
    assert token not in "".join(r.getMessage() for r in caplog.records if r.name.startswith("mcpsecurity"))


async def test_the_person_can_leave_a_server_that_is_down(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(protected())
        async with serve_web(more_servers=(notes(server),)) as url:
            visitor = await visitors(url=url).sign_in()
            await visitor_signed_in(visitor)
            await running.aclose()
            await visitor.new_chat()
            assert (await status_of(visitor, "down"))["signed_in"]
            async with visitor.stream() as stream, asyncio.timeout(60):
                servers = (await stream.until("snapshot"))["servers"]
                assert (await visitor.command(SIGN_OUT)).status == 202
                while servers[1].get("signed_in"):
                    servers = (await stream.until("servers.changed"))["servers"]
            assert servers[1]["status"] == "down"


async def test_all_replicas_forget_it(visitors: NewPerson, run_chat: RunChat) -> None:
    keys = Fernet.generate_key().decode()
    async with redis_server() as redis, protected() as server:
        address = f"redis://127.0.0.1:{redis.port}"
        connection = RedisConnection(address, EncryptionKeys(keys))
        shared = {"redis_url": SecretStr(address), "keys": SecretStr(keys), "more_servers": (notes(server),)}
        async with run_chat(**shared) as one:
            port = free_port()
            async with run_chat(url=one, port=port, **shared):
                visitor = await visitors("alice@contoso.example", url=one).sign_in()
                await visitor_signed_in(visitor)
                assert len(await connection.client.keys("*server-grants*")) == 1
                await elsewhere(visitor, port)
                assert await connection.client.keys("*server-grants*") == []
                await eventually(lambda: server.tokens.refresh == {})
                assert "signed_in" not in await status_of(visitor, "sign_in")
        await connection.client.aclose()


async def elsewhere(visitor: Visitor, port: int) -> None:
    """Sign out of the server through the replica at `port`, which does not serve the person."""
    path = f"http://localhost:{port}/api/chats/{visitor.chat_id}/{SIGN_OUT}"
    headers = {"Origin": visitor.url, "X-CSRF-Token": visitor.csrf}
    answer = await visitor.request("POST", path, json={}, headers=headers)
    assert answer.status == 202, answer.body


class Overtaken(InMemoryServerGrantStore):
    """A store in which another replica keeps `renewed` just after a grant was read."""

    renewed: str | None = None

    async def get(self, sid: str, server: str) -> str | None:
        text = await super().get(sid, server)
        if text is not None and self.renewed is not None:
            renewed, self.renewed = self.renewed, None
            await self.put(sid, server, renewed)
        return text


async def test_the_token_that_another_replica_has_just_renewed_is_taken(stack: Stack) -> None:
    async with protected() as server:
        grants = Overtaken()
        settings = stack.web_settings(more_servers=(notes(server),))
        sign_ins = ServerSignIns(settings, grants, client_ssl_context(None))
        pending = await sign_ins.begin("sid", "notes", None)
        await sign_ins.complete("sid", "notes", pending, await redirected(pending.url))
        before = read_grant(await grants.get("sid", "notes"))
        assert before is not None
        newer = before.model_copy(update={"expires_at": 9e9})
        grants.renewed = newer.model_dump_json()
        assert await sign_ins.take("sid", "notes") == newer
        assert await grants.get("sid", "notes") is None
