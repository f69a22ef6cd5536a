"""The event stream: a snapshot or what was missed, in order, for as long as the page reads."""

import asyncio
import json
import socket
from typing import Any

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor
from yarl import URL

from mcpsecurity.localcloud.openai import ModelFault
from mcpsecurity_webclient.chat.events import EventBus

COMMON = {"v", "chat_id", "run_id", "at"}


async def test_a_stream_begins_with_a_snapshot_and_numbers_what_follows(
    visitor: Visitor, stack: Stack
) -> None:
    async with visitor.stream() as stream:
        headers = stream.response.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in headers
        snapshot = await stream.until("snapshot")
        assert snapshot["user"]["username"] == visitor.user
        assert snapshot["mode"] == "manual"
        known = {"name": "offline-model", "title": "offline-model", "offline": True, "images": False}
        assert (snapshot["model"], snapshot["models"]) == (known, [known])
        assert [s["name"] for s in snapshot["servers"]] == ["Tools", "playground"]
        await visitor.ask("hello")
        await stream.until("run.done")
    epochs, numbers = zip(*(e.id.split("-") for e in stream.events), strict=True)
    assert len(set(epochs)) == 1
    first = snapshot["seq"]
    assert [int(n) for n in numbers] == list(range(first, first + len(numbers)))
    assert all(e.data.keys() >= COMMON and e.data["chat_id"] == visitor.chat_id for e in stream.events)
    names = list(dict.fromkeys(stream.names))
    assert names.index("message.added") < names.index("run.started") < names.index("message.delta")
    assert stream.names[-2:] == ["message.done", "run.done"]


async def test_deltas_add_up_to_the_message(visitor: Visitor, stack: Stack) -> None:
    stack.model.pace = 0.001
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
    text, stable = "", ""
    for event in stream.events:
        if event.name == "message.delta":
            assert event.data["offset"] == len(text)
            text += event.data["text"]
            stable += event.data.get("stable", "")
    done = next(e.data["message"] for e in stream.events if e.name == "message.done")
    assert (done["text"], done["role"]) == (text, "assistant")
    assert done["html"].startswith(stable)
    assert done["usage"]["completion_tokens"] > 0


async def test_a_page_that_comes_back_gets_exactly_what_it_missed(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        await stream.until("snapshot")
        await visitor.ask("hello")
        seen = await stream.next()
        await stream.until("run.done")
    async with visitor.stream(seen.id) as again:
        for expected in stream.events[2:]:
            assert await again.next() == expected
    async with visitor.stream(stream.events[-1].id) as nothing:
        await visitor.command("rename", {"title": "next"})
        assert (await nothing.next()).name == "title.changed"


async def test_a_snapshot_replaces_events_that_are_no_longer_kept(visitor: Visitor) -> None:
    async with visitor.stream() as stream:
        first = await stream.next()
        epoch, _, seq = first.id.partition("-")
        for number in range(600):
            await visitor.command("rename", {"title": f"title {number} {'x' * 50}"})
    for last in (
        first.id,
        f"other-{seq}",
        f"{epoch}-99999",
        f"{epoch}-x",
        f"{epoch}-²",
        "",
        f"{epoch}-{'9' * 40}",
    ):
        async with visitor.stream(last) as again:
            event = await again.next()
            assert event.name == "snapshot"
            assert event.data["title"].startswith("title 599")


@pytest.mark.slow
async def test_a_page_that_comes_in_the_middle_of_an_answer_sees_all_of_it(
    visitor: Visitor, stack: Stack
) -> None:
    stack.model.pace = 0.01
    async with visitor.stream() as first:
        run = await visitor.ask("hello")
        await first.until("message.delta")
        async with visitor.stream() as late:
            snapshot = await late.until("snapshot")
            assert snapshot["run"]["run_id"] == run
            message = snapshot["messages"][-1]
            assert message["message_id"] == snapshot["run"]["message_id"]
            assert (message["text"], bool(message["html"] or message["stable"])) == (message["text"], True)
            text = message["text"]
            done: dict[str, Any] = {}
            while not done:
                event = await late.next()
                if event.name == "message.delta":
                    assert event.data["offset"] == len(text)
                    text += event.data["text"]
                elif event.name == "message.done":
                    done = event.data["message"]
            assert done["text"] == text


async def test_a_silent_stream_says_that_it_is_there(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web({"keep_alive": 0.02}) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await stream.until("snapshot")
            await stream.keep_alive()
            await stream.keep_alive()


@pytest.mark.slow
async def test_a_page_that_does_not_read_is_let_go_and_comes_back_for_a_snapshot(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    stack.model.faults.upcoming.extend([ModelFault.content_filter()] * 20)
    async with serve_web({"patience": 0.2, "keep_alive": 0.02}, max_streams=2, max_message=1_000_000) as url:
        visitor = await visitors(url=url).sign_in()
        with _deaf(visitor) as connection:
            async with visitor.stream() as stream:
                for _ in range(20):
                    await visitor.ask("x" * 400_000)
                    await stream.until("run.done")
            assert await asyncio.to_thread(_broken, connection)
        async with visitor.stream():
            pass


def _deaf(visitor: Visitor) -> socket.socket:
    """Return a connection that asked for the stream and does not read it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", URL(visitor.url).port))
    cookie = visitor.cookies["mcpsecurity_session"]
    lines = [
        f"GET /api/chats/{visitor.chat_id}/events HTTP/1.1",
        f"Host: {URL(visitor.url).authority}",
        f"Cookie: {cookie.key}={cookie.value}",
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def _broken(connection: socket.socket) -> bool:
    """Read the rest of the stream; return whether the other side broke off in the middle."""
    whole = b""
    try:
        while data := connection.recv(1 << 16):
            whole += data
    except ConnectionResetError:
        return True
    return not whole.endswith(b"0\r\n\r\n")


async def test_pages_that_went_away_are_not_waited_for(visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with serve_web({"keep_alive": 0.01}) as url:
        visitor = await visitors(url=url).sign_in()
        for _ in range(5):
            async with visitor.stream() as stream:
                await stream.until("snapshot")
        assert (await visitor.command("rename", {"title": "on"})).status == 202
        assert isinstance(stream, EventStream)


async def test_tabs_hear_the_same_in_the_same_order(visitor: Visitor) -> None:
    async with visitor.stream() as one, visitor.stream() as two:
        await visitor.ask("hello")
        await one.until("run.done")
        await two.until("run.done")
    assert one.events[1:] == two.events[1:]


async def test_a_page_that_missed_what_is_forgotten_gets_a_snapshot_and_one_that_missed_nothing_none() -> (
    None
):
    events = EventBus("c")
    events.publish("title.changed", None, {"title": "one"})
    events.publish("title.changed", None, {"title": "two"})
    first, second = await _first_two(events)
    events.forget()
    missed, up_to_date = events.subscribe(first, _state), events.subscribe(second, _state)
    assert (event := await missed.next(1)) is not None
    assert event.name == "snapshot"
    events.publish("title.changed", None, {"title": "three"})
    assert (event := await up_to_date.next(1)) is not None
    assert json.loads(event.data)["title"] == "three"


def _state() -> Any:
    return {}


async def _first_two(events: EventBus) -> tuple[str, str]:
    snapshot = await events.subscribe(None, _state).next(1)
    assert snapshot is not None
    epoch, _, number = snapshot.id.rpartition("-")
    assert number == "2"
    return f"{epoch}-1", snapshot.id
