"""Two servers that share a store and a bus serve one session, as two processes behind a load balancer do."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.server.transport.conftest import Serve, Served
from tests.server.transport.program import Gate, ToolContext, program
from tests.server.transport.stream_client import Stream
from tests.support.programs import Program, redis_server

from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_server.transport import InMemoryEventBus, InMemorySessionStore, Limits
from mcpsecurity_server.transport.redis import RedisTransport


@pytest.fixture(params=["memory", "redis"])
def shared(request: pytest.FixtureRequest) -> Any:
    """Return what makes the store and the bus of one process: one pair for all, or one each on a Redis."""
    if request.param == "memory":
        kept = {"store": InMemorySessionStore(Limits()), "bus": InMemoryEventBus(Limits())}
        return lambda: nullcontext(kept)
    port = request.getfixturevalue("redis").port
    keys, prefix = EncryptionKeys(Fernet.generate_key().decode()), secrets.token_hex(4)

    @asynccontextmanager
    async def on_redis() -> AsyncIterator[dict[str, Any]]:
        async with RedisTransport(f"redis://127.0.0.1:{port}", keys, Limits(), prefix=prefix) as transport:
            yield {"store": transport.store, "bus": transport.bus}

    return on_redis


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[Program]:
    async with redis_server() as server:
        yield server


@pytest.fixture
def pair(serve: Serve, shared: Any) -> Any:
    """Return a context manager of two servers."""

    @asynccontextmanager
    async def both(gate: Gate | None = None, act: Any = None) -> AsyncIterator[tuple[Served, Served]]:
        async with (
            shared() as first,
            shared() as second,
            serve(program(gate, act), **first) as one,
            serve(program(gate, act), **second) as other,
        ):
            yield one, other

    return both


async def test_an_answer_that_arrives_at_another_process_reaches_the_call(pair: Any) -> None:
    async with pair() as (one, other):
        headers = await one.initialize(elicitation={})
        async with Stream(one.call("greet", headers)) as stream:
            question = await stream.message()
            answer = {"id": question["id"], "result": {"action": "accept", "content": {"name": "Ada"}}}
            assert await other.status(other.post(answer, headers)) == 202
            assert (await stream.message())["result"]["content"][0]["text"] == "Hello Ada"


async def test_a_call_is_cancelled_from_another_process(pair: Any) -> None:
    gate = Gate()
    async with pair(gate) as (one, other):
        headers = await one.initialize()
        calling = asyncio.create_task(one.status(one.call("wait", headers, id="x")))
        await gate.entered.wait()
        cancel = {"method": "notifications/cancelled", "params": {"requestId": "x"}}
        assert await other.status(other.post(cancel, headers)) == 202
        async with asyncio.timeout(30):
            await gate.cancelled.wait()
            assert await calling == 200


async def test_a_stream_is_resumed_at_another_process(pair: Any) -> None:
    gate = Gate()
    async with pair(gate) as (one, other):
        headers = await one.initialize()
        async with Stream(one.call("wait_loudly", headers)) as stream:
            await stream.next()
            seen = await stream.next()
            assert seen is not None
            await gate.entered.wait()
        async with Stream(other.get(headers, seen.id)) as resumed:
            gate.opened.set()
            assert (await resumed.message())["params"]["data"] == "after"
            assert (await resumed.message())["result"]["content"][0]["text"] == "waited"


async def test_a_list_change_in_one_process_is_heard_at_another(pair: Any) -> None:
    async with pair() as (one, other):
        headers = await one.initialize()
        async with Stream(one.get(headers)) as stream:
            await other.mounted.list_changed("tools")
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
            assert await other.status(other.get(headers)) == 409


async def test_level_and_subscriptions_hold_in_every_process(pair: Any) -> None:
    async def act(ctx: ToolContext) -> str:
        await ctx.info("quiet")
        await ctx.error("loud")
        return "done"

    async with pair(act=act) as (one, other):
        headers = await one.initialize()
        assert (await one.result("ping", {}, headers))["result"] == {}
        await other.result("logging/setLevel", {"level": "error"}, headers)
        await other.result("resources/subscribe", {"uri": "fixed://one"}, headers)
        async with Stream(one.call("act", headers)) as stream:
            assert (await stream.message())["params"]["data"] == "loud"
        async with Stream(other.get(headers)) as standalone:
            await one.mounted.resource_updated("fixed://one")
            assert (await standalone.message())["method"] == "notifications/resources/updated"


async def test_a_session_that_is_ended_in_one_process_is_ended_in_all(pair: Any) -> None:
    gate = Gate()
    async with pair(gate) as (one, other):
        headers = await one.initialize()
        calling = asyncio.create_task(one.status(one.call("wait", headers)))
        await gate.entered.wait()
        async with Stream(one.get(headers)) as stream:
            assert await other.status(other.http.delete(other.url, headers=headers)) == 200
            await stream.rest()
        async with asyncio.timeout(30):
            await gate.cancelled.wait()
            await calling
        assert await one.status(one.post({"id": 1, "method": "ping"}, headers)) == 404


async def test_a_process_that_stops_leaves_the_session_to_the_others(serve: Serve, shared: Any) -> None:
    async with shared() as second, serve(program(), **second) as other:
        async with shared() as first, serve(program(), **first) as one:
            headers = await one.initialize()
        assert await other.status(other.call("add", headers, a=1, b=2)) == 200
