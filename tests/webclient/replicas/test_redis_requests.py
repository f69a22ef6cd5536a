"""Questions outlive their process as what has ended: in a real Redis, for their owner, and never as text."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from mcp import types
from tests.support.programs import Program, redis_server

from mcpsecurity.kernel.context import ContextUse
from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.chat.agent.sampling import ModelSampler
from mcpsecurity_webclient.chat.requests.deadlines import WaitingTime
from mcpsecurity_webclient.chat.requests.elicitation import ElicitationCoordinator
from mcpsecurity_webclient.chat.requests.pending_requests import Remembered, RequestLog
from mcpsecurity_webclient.chat.requests.sampling import SamplingRequests
from mcpsecurity_webclient.errors import (
    AlreadyDecidedError,
    RequestEndedError,
    RequestExpiredError,
    UnknownRequestError,
)
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


def test_a_late_answer_is_told_what_became_of_the_question() -> None:
    coordinator = ElicitationCoordinator(time_to_answer=WaitingTime(1, 10))
    for id_, state, error in (
        ("a", "answered", AlreadyDecidedError),
        ("b", "expired", RequestExpiredError),
        ("c", "ended", RequestEndedError),
    ):
        coordinator.remember("mine", id_, state)  # type: ignore[arg-type] # one of its words
        with pytest.raises(error):
            coordinator.answer("mine", id_, "accept", {})
        with pytest.raises(UnknownRequestError):
            coordinator.answer("another's", id_, "accept", {})


def test_a_late_decision_is_told_what_became_of_the_request() -> None:
    sample: Any = None
    requests = SamplingRequests(
        sample,
        lambda _, __: None,
        log=RequestLog(),
        time_to_decide=WaitingTime(1, 100),
        leaving=lambda: False,
        clock=time.time,
    )
    for id_, state, error in (
        ("a", "answered", AlreadyDecidedError),
        ("b", "expired", RequestExpiredError),
        ("c", "ended", RequestEndedError),
    ):
        requests.remember(id_, state)  # type: ignore[arg-type] # one of its words
        with pytest.raises(error):
            requests.decide(id_, approve=True)
    with pytest.raises(UnknownRequestError):
        requests.decide("d", approve=True)


@pytest.mark.parametrize(("leaving", "error"), [(True, RequestEndedError), (False, AlreadyDecidedError)])
async def test_a_request_that_is_cut_off_with_the_process_has_ended_and_was_not_decided(
    leaving: bool, error: type[Exception]
) -> None:
    model: Any = SimpleNamespace(title="Model", service=None, window=8_192)
    told: asyncio.Queue[Any] = asyncio.Queue()
    requests = SamplingRequests(
        ModelSampler(lambda: model, ContextUse()),
        lambda _, payload: told.put_nowait(payload),
        log=RequestLog(),
        time_to_decide=WaitingTime(60, 100),
        leaving=lambda: leaving,
        clock=time.time,
    )
    content = types.TextContent(type="text", text="hello")
    params = types.CreateMessageRequestParams(
        messages=[types.SamplingMessage(role="user", content=content)], maxTokens=5
    )
    context: Any = None
    asked = asyncio.ensure_future(requests.callback("server")(context, params))
    sampling = (await told.get())["sampling"]
    asked.cancel()
    await asyncio.wait([asked])
    assert (await told.get())["decision"] == "decline"
    with pytest.raises(error):
        requests.decide(sampling["sampling_id"], approve=True)
