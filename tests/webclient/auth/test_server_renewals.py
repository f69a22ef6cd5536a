"""Two processes that share Redis renew the same tokens: one does, for both."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import pytest
from cryptography.fernet import Fernet
from tests.browser.stack import Stack
from tests.support.eventually import eventually
from tests.support.oauth import Instead, SignedInServer, protected, redirected
from tests.support.programs import Program, redis_server
from tests.webclient.auth.test_server_sign_ins import notes

from mcpsecurity.client import ServerUnavailableError
from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_webclient.auth.server_grants import InMemoryServerGrantStore
from mcpsecurity_webclient.auth.server_sign_ins import ServerSignIns
from mcpsecurity_webclient.replicas.redis_server_grants import RedisServerGrantStore

SID = "a session"


class Unsteady(RedisServerGrantStore):
    """A store whose Redis is away for the next `misses` times that something is kept."""

    misses = 0

    async def replace(self, *arguments: Any) -> bool:
        if self.misses:
            self.misses -= 1
            raise RedisUnavailableError("it is away")
        return await super().replace(*arguments)


class Pair(NamedTuple):
    """What two processes have for the sign-ins at a server, and the Redis that they share."""

    server: SignedInServer
    one: ServerSignIns
    other: ServerSignIns
    grants: Unsteady
    """Of the one."""
    redis: RedisConnection
    program: Program


@asynccontextmanager
async def pair(stack: Stack, **options: Any) -> AsyncIterator[Pair]:
    """Two processes after a sign-in at one of them."""
    keys = Fernet.generate_key().decode()
    async with AsyncExitStack() as running:
        server = await running.enter_async_context(protected())
        redis = await running.enter_async_context(redis_server())
        settings = stack.web_settings(more_servers=(notes(server),))
        made, stores, connections = [], list[Unsteady](), []
        for _ in range(2):
            connection = RedisConnection(f"redis://127.0.0.1:{redis.port}", EncryptionKeys(keys))
            running.push_async_callback(connection.client.aclose)
            connections.append(connection)
            grants = Unsteady(connection, lifetime=60, **options)
            stores.append(grants)
            made.append(ServerSignIns(settings, grants, client_ssl_context(None)))
        pending = await made[0].begin(SID, "notes", None)
        await made[0].complete(SID, "notes", pending, await redirected(pending.url))
        yield Pair(server, made[0], made[1], stores[0], connections[0], redis)


async def token(sign_ins: ServerSignIns, refused: str | None = None) -> str | None:
    return await sign_ins.token(SID, "notes", refused=refused)


async def renewing(both: Pair, old: str | None) -> asyncio.Task[str | None]:
    """Begin a renewal in the one process, which the authorization server does not answer yet."""
    both.server.tokens.answering.clear()
    begun = asyncio.create_task(token(both.one, old))
    await eventually(lambda: both.server.tokens.refreshed == 1)
    return begun


async def test_two_processes_that_need_a_new_token_at_once_cause_one_refresh(stack: Stack) -> None:
    async with pair(stack) as both:
        old, tokens = await token(both.one), both.server.tokens
        first = await renewing(both, old)
        second = asyncio.create_task(token(both.other, old))
        await asyncio.wait({second}, timeout=0.5)
        tokens.answering.set()
        got = await asyncio.gather(first, second)
        assert got[0] == got[1] != old
        assert got[0] in tokens.access
        assert len(tokens.refresh) == tokens.refreshed == 1


async def test_a_lock_of_a_process_that_died_is_waited_for_and_then_ends(stack: Stack) -> None:
    async with pair(stack, renewal=30.0) as both:
        old, name = await token(both.one), f"mcpsecurity:server-grant-renewal:{SID}:notes"
        await both.redis.client.set(name, "a process that died")
        waiting = asyncio.create_task(token(both.other, old))
        await asyncio.wait({waiting}, timeout=0.5)
        assert both.server.tokens.refreshed == 0
        await both.redis.client.pexpire(name, 1)
        assert await waiting not in (None, old)
        assert await both.redis.client.get(name) is None


async def test_a_process_that_renews_has_the_lock_for_the_deadline_at_most(stack: Stack) -> None:
    async with pair(stack, renewal=60.0) as both:
        late = await renewing(both, await token(both.one))
        left = await both.redis.client.pttl(f"mcpsecurity:server-grant-renewal:{SID}:notes")
        assert 0 < left <= 60_000
        both.server.tokens.answering.set()
        await late


async def test_a_lock_that_another_took_after_the_deadline_is_not_released(stack: Stack) -> None:
    async with pair(stack, renewal=0.2) as both:
        old, name = await token(both.one), f"mcpsecurity:server-grant-renewal:{SID}:notes"
        late = await renewing(both, old)
        while not await both.redis.client.set(name, "another", nx=True, px=60_000):  # noqa: ASYNC110 - of Redis
            await asyncio.sleep(0.02)
        both.server.tokens.answering.set()
        assert await late not in (None, old)
        assert await both.redis.client.get(name) == b"another"


async def test_a_redis_that_is_away_is_no_reason_to_sign_in_again(stack: Stack) -> None:
    async with pair(stack) as both:
        await both.program.stop()
        with pytest.raises(ServerUnavailableError, match="cannot be read at the moment"):
            await token(both.one)


async def test_stopping_waits_for_a_refresh_that_is_under_way(stack: Stack) -> None:
    async with pair(stack) as both:
        old, tokens = await token(both.one), both.server.tokens
        caller = await renewing(both, old)
        caller.cancel()
        closing = asyncio.create_task(both.one.aclose())
        tokens.answering.set()
        await closing
        assert await token(both.other, old) in tokens.access


async def test_what_a_refresh_brings_after_a_new_sign_in_is_revoked(stack: Stack) -> None:
    async with pair(stack) as both:
        old, tokens = await token(both.one), both.server.tokens
        late = await renewing(both, old)
        pending = await both.other.begin(SID, "notes", None)
        await both.other.complete(SID, "notes", pending, await redirected(pending.url))
        tokens.answering.set()
        newest = await late
        assert newest == await token(both.other)
        assert newest in tokens.access
        assert len(tokens.refresh) == 1


async def test_a_redis_that_is_away_for_a_moment_does_not_cost_what_a_refresh_brought(stack: Stack) -> None:
    async with pair(stack) as both:
        old = await token(both.one)
        both.grants.misses = 2
        new = await token(both.one, old)
        assert new == await token(both.other) != old
        assert new in both.server.tokens.access
        assert both.server.tokens.refreshed == 1


async def test_what_a_refresh_brings_after_the_sign_out_is_revoked_and_not_kept(stack: Stack) -> None:
    async with pair(stack) as both:
        old, tokens = await token(both.one), both.server.tokens
        late = await renewing(both, old)
        await both.other.forget(SID)
        tokens.answering.set()
        assert await late is None
        assert await token(both.other) is None
        assert tokens.refresh == {}


async def test_a_token_that_ends_soon_is_used_while_the_authorization_server_is_down(stack: Stack) -> None:
    instead = Instead()
    async with protected(instead, seconds=29) as server:
        now = time.time()
        sign_ins = ServerSignIns(
            stack.web_settings(more_servers=(notes(server),)),
            InMemoryServerGrantStore(),
            client_ssl_context(None),
            clock=lambda: now,
        )
        pending = await sign_ins.begin(SID, "notes", None)
        await sign_ins.complete(SID, "notes", pending, await redirected(pending.url))
        instead["/token"] = 503
        held = await token(sign_ins)
        assert held in server.tokens.access
        with pytest.raises(ServerUnavailableError):
            await token(sign_ins, refused=held)
        now += 30
        with pytest.raises(ServerUnavailableError):
            await token(sign_ins)
