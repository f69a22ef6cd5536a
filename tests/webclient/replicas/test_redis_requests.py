"""Questions outlive their process as what has ended: in a real Redis, for their owner, and never as text."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.support.programs import Program, redis_server

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.chat.requests.pending_requests import Remembered
from mcpsecurity_webclient.replicas.redis_requests import RedisRequestLog
from mcpsecurity_webclient.store import Owner

ALICE, BOB = Owner("tenant", "alice"), Owner("tenant", "bob")
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
NAME = "mcpsecurity:asked:tenant:alice:chat"

MakeRequestLog = Callable[..., RedisRequestLog]


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[Program]:
    async with redis_server() as server:
        yield server


@pytest.fixture
async def request_log(redis: Program) -> AsyncIterator[MakeRequestLog]:
    """Makes what a process remembers of the conversation's questions."""
    async with AsyncExitStack() as running:

        def make(owner: Owner = ALICE, keys: str = OLD) -> RedisRequestLog:
            connection = RedisConnection(f"redis://127.0.0.1:{redis.port}", EncryptionKeys(keys))
            running.push_async_callback(connection.client.aclose)
            return RedisRequestLog(connection, owner, "chat")

        yield make


@pytest.fixture
async def raw(redis: Program) -> AsyncIterator[Any]:
    """Redis as it is, with nothing in it."""
    connection = RedisConnection(f"redis://127.0.0.1:{redis.port}", EncryptionKeys(OLD))
    await connection.client.flushall()
    yield connection.client
    await connection.client.aclose()


async def test_the_next_process_learns_what_was_open_and_the_one_after_it_that_it_has_ended(
    request_log: MakeRequestLog, raw: Any
) -> None:
    first, soon = request_log(), time.time() + 60
    await first.asked("elicitation", "one", soon)
    await first.asked("sampling", "two", soon + 60)
    await first.asked("elicitation", "three", soon)
    first.settled("elicitation", "three", "answered")
    first.settled("elicitation", "unknown", "answered")
    await first.aclose()
    assert 110_000 < await raw.pttl(NAME) <= 120_000
    second, third = request_log(), request_log()
    for process, state in ((second, "open"), (third, "ended")):
        assert sorted(await process.left()) == [
            ("elicitation", "one", state),
            ("elicitation", "three", "answered"),
            ("sampling", "two", state),
        ]
        await process.aclose()


async def test_what_is_remembered_is_sealed_and_its_owners_only(
    request_log: MakeRequestLog, raw: Any
) -> None:
    await request_log().asked("elicitation", "one", time.time() + 60)
    await request_log().asked("elicitation", "late", time.time() - 1)
    assert await raw.keys() == [NAME.encode()]
    kept = await raw.hgetall(NAME)
    assert list(kept) == [b"one"]
    assert b"elicitation" not in kept[b"one"]
    await raw.hset(NAME.replace("alice", "bob"), mapping=kept)  # by somebody who may write to Redis
    assert await request_log(owner=BOB).left() == []
    assert await request_log(owner=Owner("other", "alice")).left() == []
    assert await request_log(keys=NEW).left() == []
    assert await request_log(keys=f"{NEW},{OLD}").left() == [Remembered("elicitation", "one", "open")]


async def test_a_hung_redis_holds_up_no_question_for_long(
    request_log: MakeRequestLog, redis: Program
) -> None:
    process = request_log()
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(8):  # less than Redis's client would try
            await process.asked("elicitation", "one", time.time() + 60)
            process.settled("elicitation", "one", "answered")
            await process.aclose()
            assert await process.left() == []
    finally:
        os.kill(redis.pid, signal.SIGCONT)
