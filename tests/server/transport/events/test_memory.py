"""The event bus in memory: its bounds, and what a reader gets."""

import asyncio

import pytest

from mcpsecurity_server.transport import EventsGoneError, InMemoryEventBus, Limits, StreamTakenError


async def test_a_reader_gets_what_was_published_before_and_after_it_came() -> None:
    bus = InMemoryEventBus(Limits())
    await bus.publish("s", "1", b"a")
    reader = await bus.open("s", "1")
    await bus.publish("s", "1", b"b")
    await bus.publish("s", "1", None)
    assert [await reader.next() for _ in range(3)] == [(1, b"a"), (2, b"b"), (3, None)]


async def test_the_bytes_of_a_session_are_bounded() -> None:
    bus = InMemoryEventBus(Limits(log_bytes=100))
    for _ in range(50):
        await bus.publish("s", "1", b"x" * 30)
    assert bus.size <= 100
    with pytest.raises(EventsGoneError):
        await bus.resume("s", "1", 1)


async def test_the_bytes_of_all_sessions_are_bounded_and_the_longest_unused_pay() -> None:
    bus = InMemoryEventBus(Limits(all_logs_bytes=1000))
    for number in range(50):
        await bus.publish(f"s{number}", "1", b"x" * 100)
    assert bus.size <= 1000
    with pytest.raises(EventsGoneError):
        await bus.resume("s0", "1", 0)
    reader = await bus.resume("s49", "1", 0)
    assert await reader.next() == (1, b"x" * 100)


async def test_an_event_that_no_log_can_keep_still_reaches_the_reader_who_is_there() -> None:
    bus = InMemoryEventBus(Limits(log_bytes=10, queued_bytes=10))
    reader = await bus.open("s", "1")
    await bus.publish("s", "1", b"x" * 1000)
    await bus.publish("s", "1", None)
    assert await reader.next() == (1, b"x" * 1000)
    assert await reader.next() == (2, None)
    assert bus.size == 0


async def test_a_stream_has_one_reader() -> None:
    bus = InMemoryEventBus(Limits())
    first = await bus.open("s", "g")
    with pytest.raises(StreamTakenError):
        await bus.open("s", "g")
    second = await bus.resume("s", "g", 0)
    assert await first.next() is None
    await second.close()
    await second.close()
    assert (await bus.open("s", "g")).position == 0


async def test_what_was_taken_and_not_written_comes_again() -> None:
    bus = InMemoryEventBus(Limits())
    first = await bus.open("s", "g")
    for data in (b"a", b"b"):
        await bus.publish("s", "g", data)
    assert await first.next() == (1, b"a")
    assert await first.next() == (2, b"b")  # to ask for it says that the first was written
    await first.close()
    second = await bus.open("s", "g")
    assert await second.next() == (2, b"b")


async def test_a_call_waits_for_a_slow_reader_and_at_last_goes_on_without() -> None:
    bus = InMemoryEventBus(Limits(queued_events=2, patience_seconds=0.05))
    reader = await bus.open("s", "1")
    async with asyncio.timeout(30):
        for _ in range(10):
            await bus.publish("s", "1", b"x")
    assert await reader.next() is None


async def test_the_standalone_stream_makes_nobody_wait() -> None:
    bus = InMemoryEventBus(Limits(queued_events=2, patience_seconds=3600))
    reader = await bus.open("s", "g")
    async with asyncio.timeout(30):
        for _ in range(10):
            await bus.publish("s", "g", b"x")
    assert await reader.next() is None


async def test_a_forgotten_session_lets_its_readers_go() -> None:
    bus = InMemoryEventBus(Limits())
    reader = await bus.open("s", "g")
    await bus.publish("s", "g", b"x")
    await bus.forget("s")
    await bus.forget("s")
    assert await reader.next() is None
    assert bus.size == 0
    with pytest.raises(EventsGoneError):
        await bus.resume("s", "g", 0)


async def test_streams_whose_events_are_all_forgotten_cost_nothing() -> None:
    bus = InMemoryEventBus(Limits(log_events=10))
    for number in range(100):
        await bus.publish("s", str(number), b"x")
        await bus.publish("s", str(number), None)
    assert len(bus._logs["s"].streams) <= 6


async def test_words_reach_every_listener_until_it_stops_to_listen() -> None:
    bus, heard = InMemoryEventBus(Limits()), list[bytes]()
    other = list[bytes]()
    hear, hear_too = heard.append, other.append
    await bus.subscribe("s", hear)
    await bus.subscribe("s", hear_too)
    await bus.broadcast("s", b"a")
    await bus.broadcast("t", b"b")
    await bus.unsubscribe("s", hear)
    await bus.broadcast("s", b"c")
    assert (heard, other) == ([b"a"], [b"a", b"c"])
