"""The events of a conversation in a real Redis: another replica goes on with them, and nobody else can."""

import asyncio
import json
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from cryptography.fernet import Fernet
from tests.support.programs import Program, redis_server

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.chat.event_types import Toast
from mcpsecurity_webclient.chat.events import ChatEvent, Subscription
from mcpsecurity_webclient.replicas.redis_event_bus import RedisEventBus
from mcpsecurity_webclient.replicas.redis_event_log import EventLog, EventLogs
from mcpsecurity_webclient.store import Owner

ALICE, BOB = Owner("tenant", "alice"), Owner("tenant", "bob")
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()

MakeBus = Callable[..., RedisEventBus]


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[Program]:
    async with redis_server() as server:
        yield server


@pytest.fixture
def chat_id() -> str:
    return secrets.token_hex(4)


@pytest.fixture
async def bus(redis: Program, chat_id: str) -> AsyncIterator[MakeBus]:
    """Makes the events of the conversation, each as in a process of its own."""
    async with AsyncExitStack() as running:

        def make(owner: Owner = ALICE, keys: str = OLD) -> RedisEventBus:
            connection = RedisConnection(f"redis://127.0.0.1:{redis.port}", EncryptionKeys(keys))
            logs = EventLogs(connection)
            running.push_async_callback(connection.client.aclose)
            running.push_async_callback(logs.aclose)
            return RedisEventBus(chat_id, EventLog(logs, owner, chat_id))

        yield make


@pytest.fixture
async def raw(redis: Program) -> AsyncIterator[Any]:
    """Redis as it is."""
    connection = RedisConnection(f"redis://127.0.0.1:{redis.port}", EncryptionKeys(OLD))
    await connection.client.flushall()
    yield connection.client
    await connection.client.aclose()


NOT_SAVED: Toast = {"level": "warning", "code": "not_saved", "message": "", "retryable": False}


def state() -> Any:
    return {"title": "now"}


async def heard(page: Subscription, count: int) -> list[ChatEvent]:
    events = [await page.next(20) for _ in range(count)]
    return [event for event in events if event is not None]


async def said(bus: RedisEventBus, *titles: str) -> list[ChatEvent]:
    """Publish events; return what a page hears, the snapshot first."""
    page = bus.subscribe(None, state)
    for title in titles:
        bus.publish("title.changed", None, {"title": title})
    return await heard(page, 1 + len(titles))


def titles(events: list[ChatEvent]) -> list[str]:
    return [json.loads(event.data)["title"] for event in events]


async def test_a_page_that_comes_back_to_another_replica_gets_what_it_missed_and_no_more(
    bus: MakeBus,
) -> None:
    first, second = bus(), bus()
    events = await said(first, *"abcd")
    mark = first.mark()
    assert mark is not None
    missed = await second.recover(mark[0], 2)
    assert missed is not None
    assert titles(missed) == ["c", "d"]
    page = second.subscribe(events[1].id, state)
    second.publish("title.changed", None, {"title": "e"})
    assert titles(await heard(page, 4)) == [*"bcde"]
    assert [event.seq for event in await said(second, "f")] == [5, 6]
    unknown = await heard(second.subscribe(f"{mark[0]}-9", state), 1)
    assert unknown[0].name == "snapshot"


async def test_what_a_store_is_ahead_of_is_no_log_to_go_on_from(bus: MakeBus) -> None:
    first, second = bus(), bus()
    before = (await said(first, "a"))[-1]
    kept = asyncio.Event()
    second.keep_soon = kept.set
    assert await second.recover(before.epoch, 2) is None
    assert kept.is_set(), "nobody may go on from that mark any more"
    page = await heard(second.subscribe(before.id, state), 1)
    assert page[0].name == "snapshot"


async def test_of_two_replicas_that_both_believe_to_lead_one_ends_the_epoch(bus: MakeBus) -> None:
    first, second = bus(), bus()
    last = (await said(first, "a"))[-1]
    assert await second.recover(last.epoch, 1) == []
    other = await said(second, "b")
    page = first.subscribe(last.id, state)
    first.publish("title.changed", None, {"title": "c"})
    told = (await heard(page, 1))[0]
    assert (told.name, other[-1].epoch) == ("snapshot", last.epoch)
    assert told.epoch != last.epoch


async def test_no_page_hears_what_is_not_in_the_log_and_a_hung_redis_holds_nobody_up(
    bus: MakeBus, redis: Program
) -> None:
    first, second = bus(), bus()
    before = (await said(first, "a"))[-1]
    page, other = (first.subscribe(before.id, state) for _ in range(2))
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(8):  # less than Redis's client would try
            first.publish("title.changed", None, {"title": "b"})
            first.publish("toast", None, NOT_SAVED)
            coming = first.subscribe(None, state)
            shown, toast = await heard(page, 2)
            assert [event.name for event in await heard(other, 2)] == ["snapshot", "toast"]
            assert [event.name for event in await heard(coming, 1)] == ["snapshot"]
            assert (shown.name, toast.name) == ("snapshot", "toast")
            assert shown.epoch != before.epoch
            for title in "cdefgh":
                first.publish("title.changed", None, {"title": title})
            assert titles(await heard(page, 6)) == [*"cdefgh"]
    finally:
        os.kill(redis.pid, signal.SIGCONT)
    async with asyncio.timeout(30):
        while await second.recover(shown.epoch, first._seq) is None:
            first.publish("title.changed", None, {"title": "i"})
            await asyncio.sleep(0.1)
    missed = await heard(second.subscribe(before.id, state), 1)
    assert missed[0].name == "snapshot", "of the epoch that ended nothing is known for sure"


async def test_a_redis_that_takes_nothing_costs_one_snapshot_and_no_more(bus: MakeBus, raw: Any) -> None:
    first = bus()
    before = (await said(first, "a"))[-1]
    page = first.subscribe(before.id, state)
    await raw.config_set("maxmemory", 1)
    try:
        for title in "bcdef":
            first.publish("title.changed", None, {"title": title})
            event = (await heard(page, 1))[0]
            assert event.name == ("snapshot" if title == "b" else "title.changed")
    finally:
        await raw.config_set("maxmemory", 0)


async def test_a_redis_that_has_forgotten_the_scripts_is_told_them_again(bus: MakeBus, raw: Any) -> None:
    first = bus()
    before = (await said(first, "a"))[-1]
    await raw.script_flush()
    assert (await said(first, "b"))[-1].epoch == before.epoch
    assert await bus().recover(before.epoch, 2) == []


async def test_a_log_is_bounded_in_number_and_size_and_expires(bus: MakeBus, raw: Any, chat_id: str) -> None:
    first, second = bus(), bus()
    await said(first, *("x" * 1000 for _ in range(300)))
    mark = first.mark()
    assert mark is not None
    name = f"mcpsecurity:chat:tenant:alice:{chat_id}:{mark[0]}"
    assert await raw.keys() == [name.encode()]
    assert 0 < await raw.pttl(name) <= 600_000
    assert await raw.memory_usage(name) < 256 * 1024
    assert await second.recover(mark[0], 0) is None
    assert await second.recover(mark[0], 290) is not None
    first.publish("title.changed", None, {"title": "x" * 200_000})
    last = (await said(first, "small"))[-1]
    third = bus()
    assert titles(await third.recover(last.epoch, last.seq - 1) or []) == ["small"]
    assert await third.recover(last.epoch, last.seq - 2) is None
    await first.discard()
    assert await raw.keys() == []


async def test_a_log_is_readable_with_its_keys_and_for_its_owner_only(
    bus: MakeBus, raw: Any, chat_id: str
) -> None:
    last = (await said(bus(), "very secret"))[-1]
    name = f"mcpsecurity:chat:tenant:alice:{chat_id}:{last.epoch}"
    entries = await raw.xrange(name)
    assert b"secret" not in b"".join(fields[b"d"] for _, fields in entries)
    assert await bus(owner=BOB).recover(last.epoch, 1) is None
    for number, (_, fields) in enumerate(entries, 1):  # somebody who may write to Redis gives it to Bob
        await raw.xadd(name.replace("alice", "bob"), fields, id=f"0-{number}")
    assert await bus(owner=BOB).recover(last.epoch, 1) is None
    assert await bus(owner=Owner("other", "alice")).recover(last.epoch, 1) is None
    assert await bus(keys=f"{NEW},{OLD}").recover(last.epoch, 1) == []
    assert await bus(keys=NEW).recover(last.epoch, 1) is None


async def test_a_page_that_goes_before_its_turn_is_forgotten(bus: MakeBus) -> None:
    first = bus()
    first.publish("title.changed", None, {"title": "a"})
    gone, there = first.subscribe(None, state), first.subscribe(None, state)
    first.unsubscribe(gone)
    assert [event.name for event in await heard(there, 1)] == ["snapshot"]
    assert await gone.next(1) is None
    first.publish("title.changed", None, {"title": "b"})
    late = first.subscribe(None, state)
    await first.aclose()
    assert titles(await heard(there, 1)) == ["b"]
    assert [event.name for event in await heard(late, 1)] == ["snapshot"]
    first.publish("title.changed", None, {"title": "c"})
    assert await there.next(1) is None


async def test_what_happens_when_nobody_hears_it_any_more_is_no_reason_to_go_on_from_the_log(
    bus: MakeBus,
) -> None:
    first, second = bus(), bus()
    before = (await said(first, "a"))[-1]
    first.close()
    first.publish("title.changed", None, {"title": "b"})
    mark = first.mark()
    assert mark is not None
    assert await second.recover(*mark) is None
    page = await heard(second.subscribe(before.id, state), 1)
    assert page[0].name == "snapshot"


async def test_a_page_that_comes_while_the_conversation_closes_is_let_go(
    bus: MakeBus, redis: Program
) -> None:
    first = bus()
    await said(first, "a")
    os.kill(redis.pid, signal.SIGSTOP)
    try:
        first.publish("title.changed", None, {"title": "b"})
        joining = first.subscribe(None, state)
        await asyncio.sleep(0)  # the round is on its way to Redis
        first.close()
        late = first.subscribe(None, state)
        async with asyncio.timeout(30):
            for page in (joining, late):
                while await page.next(5) is not None:
                    pass
    finally:
        os.kill(redis.pid, signal.SIGCONT)


async def test_who_cannot_log_goes_on_in_an_epoch_of_his_own(bus: MakeBus, raw: Any) -> None:
    first, second, third = bus(), bus(), bus()
    before = (await said(first, *"ab"))[-1]
    await raw.config_set("maxmemory", 1)
    try:
        await said(second, "x")
        missed = await second.recover(before.epoch, 1)
    finally:
        await raw.config_set("maxmemory", 0)
    assert missed is not None
    assert titles(missed) == ["b"]
    assert (await said(second, "c"))[-1].epoch != before.epoch
    assert await third.recover(before.epoch, 2) == []


class TornRedis:
    """A client whose connection was torn down in the middle of a command."""

    async def script_load(self, _: str) -> str:
        raise AttributeError("'NoneType' object has no attribute 'write'")

    set = script_load


class TornState(RedisConnection):
    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1", EncryptionKeys(OLD))
        self.client: Any = TornRedis()


async def test_an_error_that_nobody_expects_ends_the_log_and_not_the_conversation() -> None:
    logs = EventLogs(TornState())
    first = RedisEventBus("chat", EventLog(logs, ALICE, "chat"))
    page = first.subscribe(None, state)
    first.publish("title.changed", None, {"title": "b"})
    assert [event.name for event in await heard(page, 2)] == ["snapshot", "snapshot"]
    assert not logs.usable
    first.publish("title.changed", None, {"title": "c"})
    assert titles(await heard(page, 1)) == ["c"]
    await logs.aclose()
