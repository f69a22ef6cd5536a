"""Sessions: how they begin and end, to whom they belong, and how many there may be."""

import asyncio
import time
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from mcp.server.auth.provider import AccessToken
from tests.server.transport.conftest import Serve, Served
from tests.server.transport.program import Gate, program
from tests.support.eventually import eventually

from mcpsecurity_server.transport import TOKEN_KEY, InMemorySessionStore, Limits, Owner, SessionRecord

PING: dict[str, Any] = {"id": 1, "method": "ping"}


@web.middleware
async def who(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Believe what a header says: tenant, user and client, one letter each."""
    tenant, user, client = tuple(request.headers.get("X-Who", "abc"))
    claims = {"tid": tenant, "oid": user}
    token = AccessToken(token="t", client_id=client, scopes=[], claims=claims)
    request[TOKEN_KEY] = token
    return await handler(request)


async def count(served: Served) -> int:
    return len([record async for record in served.mounted.sessions.store.records()])


async def until(served: Served, *, sessions: int) -> None:
    """Wait until there are so many sessions; the sweep that ends them runs by itself."""

    async def reached() -> bool:
        return await count(served) == sessions

    await eventually(reached)


async def test_a_session_has_an_id_that_nobody_guesses(serve: Serve) -> None:
    async with serve(program()) as served:
        ids = {(await served.initialize())["Mcp-Session-Id"] for _ in range(50)}
    assert len(ids) == 50
    assert all(len(id) >= 32 and id.isascii() and id.isprintable() for id in ids)  # noqa: A001


async def test_a_request_without_a_session_is_told_to_begin_one(serve: Serve) -> None:
    async with serve(program()) as served:
        status, code, text = await served.error(served.post({"id": 1, "method": "tools/list"}))
        assert (status, code) == (400, -32600)
        assert "initialize" in text
        assert await served.status(served.get({})) == 400
        assert await served.status(served.http.delete(served.url)) == 400


async def test_an_ended_session_is_gone_for_everything(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        assert await served.status(served.http.delete(served.url, headers=headers)) == 200
        for request in (
            served.post(PING, headers),
            served.post({"method": "notifications/initialized"}, headers),
            served.get(headers),
            served.http.delete(served.url, headers=headers),
        ):
            assert await served.status(request) == 404
        assert await count(served) == 0


@pytest.mark.parametrize("stranger", ["xbc", "axc", "abx"])
async def test_a_session_of_somebody_else_does_not_exist(serve: Serve, stranger: str) -> None:
    async with serve(program(), middlewares=(who,)) as served:
        headers = await served.initialize()
        theirs = headers | {"X-Who": stranger}
        assert await served.status(served.post(PING, theirs)) == 404
        assert await served.status(served.get(theirs)) == 404
        assert await served.status(served.get(theirs, "g_1")) == 404
        assert await served.status(served.http.delete(served.url, headers=theirs)) == 404
        assert await served.status(served.post({"id": "s1", "result": {}}, theirs)) == 404
        assert await served.status(served.post(PING, headers)) == 200


async def test_there_are_no_more_sessions_than_the_limit(serve: Serve) -> None:
    params = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }
    initialize = {"id": 0, "method": "initialize", "params": params}
    async with serve(program(), limits=Limits(sessions=2)) as served:
        headers = await served.initialize()
        await served.initialize()
        async with served.post(initialize) as response:
            assert response.status == 503
            assert response.headers["Retry-After"] == "60"
        assert await served.status(served.http.delete(served.url, headers=headers)) == 200
        assert await served.status(served.post(initialize)) == 200


async def test_what_a_client_says_of_itself_is_valid_and_short(serve: Serve) -> None:
    info = {"name": "x", "version": "1"}
    async with serve(program()) as served:
        for params in (
            {},
            {"protocolVersion": "2025-11-25", "capabilities": [], "clientInfo": info},
            {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x" * 20_000}},
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {"experimental": {"x": {"y": "x" * 20_000}}},
                "clientInfo": info,
            },
        ):
            request = served.post({"id": 0, "method": "initialize", "params": params})
            assert (await served.error(request))[:2] == (400, -32602)
        assert await count(served) == 0


async def test_a_session_that_nobody_uses_expires(serve: Serve) -> None:
    async with serve(program(), limits=Limits(idle_seconds=0.05)) as served:
        headers = await served.begin()  # a second request could come too late
        await until(served, sessions=0)
        assert await served.status(served.post(PING, headers)) == 404


async def test_a_running_call_keeps_its_session_alive(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        kept, left = await served.initialize(), await served.initialize()
        call = asyncio.create_task(served.result("tools/call", {"name": "wait"}, kept))
        await gate.entered.wait()
        store = served.mounted.sessions.store
        assert isinstance(store, InMemorySessionStore)
        store._used = dict.fromkeys(store._used, time.monotonic() - 24 * 3600)
        await served.mounted.sessions.sweep()
        assert await count(served) == 1
        assert await served.status(served.post(PING, left)) == 404
        gate.opened.set()
        assert (await call)["result"]["content"][0]["text"] == "waited"


async def test_ending_a_session_stops_what_runs_in_it(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        call = asyncio.create_task(served.status(served.call("wait", headers)))
        await gate.entered.wait()
        assert await served.status(served.http.delete(served.url, headers=headers)) == 200
        async with asyncio.timeout(30):
            await gate.cancelled.wait()
            await call


async def test_an_id_in_use_is_refused_and_free_again_afterwards(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        call = asyncio.create_task(served.status(served.call("wait", headers, id="one")))
        await gate.entered.wait()
        assert (await served.error(served.call("add", headers, id="one", a=1, b=2)))[:2] == (400, -32600)
        gate.opened.set()
        assert await call == 200
        assert await served.status(served.call("add", headers, id="one", a=1, b=2)) == 200


async def test_calls_at_the_same_time_are_limited(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate), limits=Limits(calls_per_session=1)) as served:
        headers = await served.initialize()
        call = asyncio.create_task(served.status(served.call("wait", headers, id=1)))
        await gate.entered.wait()
        assert await served.status(served.call("add", headers, id=2, a=1, b=2)) == 429
        assert await served.status(served.call("add", await served.initialize(), id=2, a=1, b=2)) == 200
        gate.opened.set()
        assert await call == 200


async def test_a_quiet_session_leaves_nothing_but_its_record(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        assert (await served.result("tools/list", {}, headers))["result"]
        sessions = served.mounted.sessions
        assert len(list(sessions)) == 1
        for session in sessions:
            session.used -= 3600
            del session
        await sessions.sweep()
        assert list(sessions) == []
        assert (await served.result("tools/list", {}, headers))["result"]


async def test_the_store_keeps_what_has_changed_and_revives_nothing() -> None:
    store, owner = InMemorySessionStore(Limits()), Owner("a", "b", "c")
    record = SessionRecord("id", owner, "2025-11-25", b"{}")
    assert await store.add(record)
    assert await store.get("id", owner) is record
    assert await store.get("id", Owner("a", "b", "x")) is None
    changed = SessionRecord("id", owner, "2025-11-25", b"{}", log_level="error")
    await store.save(changed)
    assert await store.get("id", owner) is changed
    assert await store.remove("id")
    await store.save(record)
    assert not await store.remove("id")
    assert not await store.touch("id")
    assert len(store) == 0
