"""Programs that have one store renew its token once: a refresh token may be good once only."""

import asyncio
import json
import time

import pytest
from tests.client.oauth.test_auth import Visits, auth_for, whoami
from tests.support.eventually import eventually
from tests.support.oauth import Instead, protected

from mcpsecurity.client import ServerUnavailableError
from mcpsecurity.client.oauth import MemoryStore


async def test_two_programs_with_one_store_renew_its_token_once() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        tokens = server.tokens
        auths = [auth_for(server, visits, store) for _ in range(2)]
        for auth in auths:
            assert await whoami(server, auth) == "a person"
        tokens.access.clear()
        tokens.answering.clear()
        first = asyncio.create_task(whoami(server, auths[0]))
        await eventually(lambda: tokens.refreshed == 1)
        second = asyncio.create_task(whoami(server, auths[1]))
        await asyncio.wait({second}, timeout=0.5)
        tokens.answering.set()
        assert {await first, await second} == {"a person"}
        tokens.access.clear()
        assert await whoami(server, auths[0]) == "a person", "the one that was renewed last"
    assert (len(visits.urls), tokens.refreshed) == (1, 2)


async def test_a_token_that_ends_soon_is_used_while_the_authorization_server_is_down() -> None:
    instead, store, visits = Instead(), MemoryStore(), Visits()
    async with protected(instead, seconds=29) as server:
        await whoami(server, auth_for(server, visits, store))
        instead["/token"] = 503
        assert await whoami(server, auth_for(server, visits, store)) == "a person"
        grant = json.loads(await store.load() or "{}")
        await store.save(json.dumps({**grant, "expires_at": time.time()}))
        with pytest.raises(ServerUnavailableError):
            await whoami(server, auth_for(server, visits, store))
    assert len(visits.urls) == 1


async def test_a_renewal_whose_caller_has_left_does_not_undo_the_sign_out() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        tokens, auth = server.tokens, auth_for(server, visits, store)
        assert await whoami(server, auth) == "a person"
        tokens.access.clear()
        tokens.answering.clear()
        caller = asyncio.create_task(whoami(server, auth))
        await eventually(lambda: tokens.refreshed == 1)
        caller.cancel()
        await asyncio.wait({caller})
        leaving = asyncio.create_task(auth.sign_out())
        await asyncio.wait({leaving}, timeout=0.3)
        tokens.answering.set()
        await leaving
        assert await store.load() is None
        assert (auth.authorization_server, tokens.refresh) == (None, {})
