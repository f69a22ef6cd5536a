"""Event streams: when an answer becomes one, their ids, the standalone stream, and resumption."""

import asyncio
from typing import Any

import pytest
from tests.server.transport.conftest import Serve, Served
from tests.server.transport.program import Gate, ToolContext, program
from tests.server.transport.stream_client import Stream
from tests.support.eventually import eventually

from mcpsecurity_server.transport import Limits


def texts(seen: Any) -> list[Any]:
    """Return what a list of events says, shortened."""
    return [
        event.message["params"]["data"] if "method" in event.message else event.message["result"]["content"]
        for event in seen
        if event.message is not None
    ]


async def all_left(served: Served) -> None:
    """Wait until the server's sockets know that no client is there any more."""
    await eventually(lambda: all(stream.gone for s in served.mounted.sessions for stream in s.open_streams))


WAITED = [{"type": "text", "text": "waited"}]


async def test_a_call_that_says_nothing_is_answered_with_json(serve: Serve) -> None:
    async with (
        serve(program()) as served,
        served.call("add", await served.initialize(), a=1, b=2) as response,
    ):
        assert response.content_type == "application/json"


async def test_a_call_that_says_something_becomes_a_primed_stream(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    async with (
        serve(program(gate)) as served,
        Stream(served.call("wait_loudly", await served.initialize())) as stream,
    ):
        events = await stream.rest()
    assert events[0].message is None
    assert events[0].id
    assert texts(events) == ["before", "after", WAITED]
    assert len({event.id for event in events}) == 4
    assert stream.retry is None


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18"])
async def test_older_clients_get_no_event_without_data(serve: Serve, version: str) -> None:
    gate = Gate()
    gate.opened.set()
    async with (
        serve(program(gate)) as served,
        Stream(served.call("wait_loudly", await served.initialize(version))) as stream,
    ):
        events = await stream.rest()
    assert all(event.message is not None and event.id for event in events)


async def test_a_call_that_takes_long_becomes_a_stream_before_anybody_gives_up(serve: Serve) -> None:
    gate = Gate()
    limits = Limits(stream_after_seconds=0.01, keep_alive_seconds=0.01)
    async with (
        serve(program(gate), limits=limits) as served,
        Stream(served.call("wait", await served.initialize())) as stream,
    ):
        async for line in stream.response.content:
            if line.startswith(b": keep-alive"):
                break
        gate.opened.set()
        assert texts(await stream.rest()) == [WAITED]


async def test_ids_are_unique_in_the_session_across_its_streams(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        seen: list[str | None] = []
        for number in range(3):
            async with Stream(served.call("wait_loudly", headers, id=number)) as stream:
                seen += [event.id for event in await stream.rest()]
        for _ in range(3):
            async with Stream(served.get(headers)) as standalone:
                await served.mounted.list_changed("tools")
                for _ in range(2):
                    event = await standalone.next()
                    assert event is not None
                    seen.append(event.id)
    assert len(set(seen)) == len(seen) == 18


async def test_a_disconnect_is_no_cancellation_and_the_rest_can_be_resumed(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        async with Stream(served.call("wait_loudly", headers)) as stream:
            await stream.next()
            seen = await stream.next()
            assert seen is not None
            await gate.entered.wait()
        gate.opened.set()
        async with Stream(served.get(headers, seen.id)) as resumed:
            assert texts(await resumed.rest()) == ["after", WAITED]
        assert not gate.cancelled.is_set()
        async with Stream(served.get(headers, seen.id)) as again:
            assert texts(await again.rest()) == ["after", WAITED]


async def test_resuming_takes_the_stream_over_from_a_connection_that_hangs(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        async with Stream(served.call("wait_loudly", headers)) as first:
            primed = await first.next()
            assert primed is not None
            async with Stream(served.get(headers, primed.id)) as second:
                assert await second.message()
                gate.opened.set()
                assert texts(await second.rest()) == ["after", WAITED]
            assert texts(await first.rest()) in ([], ["before"])
            assert first.retry is not None


async def test_a_tool_closes_its_stream_and_the_client_comes_back_for_the_result(serve: Serve) -> None:
    gate = Gate()

    async def act(ctx: ToolContext) -> str:
        await ctx.close_sse_stream()
        await gate.pass_through()
        return "waited"

    async with serve(program(act=act)) as served:
        headers = await served.initialize()
        async with Stream(served.call("act", headers)) as stream:
            events = await stream.rest()
            assert [event.message for event in events] == [None]
            assert stream.retry == 1000
        async with Stream(served.get(headers, events[0].id)) as resumed:
            gate.opened.set()
            assert texts(await resumed.rest()) == [WAITED]


async def test_a_tool_of_an_older_client_cannot_close_a_stream_that_none_could_resume(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        await ctx.close_sse_stream()
        return "done"

    async with serve(program(act=act)) as served:
        answer = await served.result("tools/call", {"name": "act"}, await served.initialize("2025-06-18"))
    assert answer["result"]["content"][0]["text"] == "done"


async def test_another_session_cannot_resume_a_stream(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    async with serve(program(gate)) as served:
        mine, theirs = await served.initialize(), await served.initialize()
        async with Stream(served.call("wait_loudly", mine)) as stream:
            events = await stream.rest()
        async with Stream(served.call("wait_loudly", theirs)) as other:
            await other.rest()
        assert await served.status(served.get(theirs, events[0].id)) == 410


async def test_resuming_replays_that_stream_only(serve: Serve) -> None:
    gate = Gate()
    gate.opened.set()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        async with Stream(served.call("wait_loudly", headers)) as stream:
            events = await stream.rest()
        async with Stream(served.call("wait_loudly", headers, id=2)) as other:
            await other.rest()
        await served.mounted.list_changed("tools")
        async with Stream(served.get(headers, events[0].id)) as resumed:
            assert [event.id for event in await resumed.rest()] == [event.id for event in events[1:]]


@pytest.mark.parametrize("last", ["", "x", "g", "g_", "_1", "g_x", "g_-1", "g_1²", "g_" + "9" * 30])
async def test_a_malformed_event_id_is_refused(serve: Serve, last: str) -> None:
    async with serve(program()) as served:
        assert (
            await served.status(served.get(await served.initialize(), last.encode().decode("latin1"))) == 400
        )


async def test_events_that_are_not_kept_any_more_are_gone(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        for number in range(20):
            await ctx.info(str(number))
        return "done"

    async with serve(program(act=act), limits=Limits(log_events=10)) as served:
        headers = await served.initialize()
        async with Stream(served.call("act", headers)) as stream:
            events = await stream.rest()
        assert len(events) == 22
        assert await served.status(served.get(headers, events[1].id)) == 410
        async with Stream(served.get(headers, events[-3].id)) as resumed:
            assert len(await resumed.rest()) == 2
        assert await served.status(served.get(headers, "g_99999")) == 410


async def test_a_session_has_one_standalone_stream(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        async with Stream(served.get(headers)) as stream:
            primed = await stream.next()
            assert primed is not None
            assert primed.message is None
            assert await served.status(served.get(headers)) == 409
            await served.mounted.list_changed("prompts")
            assert (await stream.message())["method"] == "notifications/prompts/list_changed"


async def test_a_client_that_comes_back_gets_what_nobody_has_read(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize()
        async with Stream(served.get(headers)) as stream:
            await stream.next()
            await served.mounted.list_changed("tools")
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
        await all_left(served)
        await served.mounted.list_changed("resources")
        async with Stream(served.get(headers)) as again:
            assert (await again.message())["method"] == "notifications/resources/list_changed"


async def test_open_streams_of_a_session_are_limited(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate), limits=Limits(streams_per_session=1)) as served:
        headers = await served.initialize()
        async with Stream(served.call("wait_loudly", headers)) as stream:
            await stream.message()
            assert await served.status(served.get(headers)) == 429
            gate.opened.set()
            await stream.rest()
        async with Stream(served.get(headers)) as standalone:
            assert await standalone.next()


async def test_many_messages_at_once_reach_a_client_that_reads(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        for number in range(1000):
            await ctx.info(str(number))
        return "waited"

    async with (
        serve(program(act=act), limits=Limits(queued_events=4)) as served,
        Stream(served.call("act", await served.initialize())) as stream,
    ):
        assert texts(await stream.rest()) == [*map(str, range(1000)), WAITED]


async def test_a_client_that_does_not_read_is_let_go_and_the_call_goes_on(serve: Serve) -> None:
    finished = asyncio.Event()

    async def act(ctx: ToolContext) -> str:
        for _ in range(400):
            await ctx.info("x" * 100_000)
        finished.set()
        return "done"

    limits = Limits(queued_events=4, patience_seconds=0.05, log_bytes=1_000_000)
    async with (
        serve(program(act=act), limits=limits) as served,
        Stream(served.call("act", await served.initialize())) as stream,
    ):
        await stream.next()
        async with asyncio.timeout(30):
            await finished.wait()
        assert served.mounted.sessions.bus.size <= 1_000_000  # type: ignore[attr-defined] # in memory


async def test_streams_end_with_the_token_that_opened_them_and_say_when_to_come_back(serve: Serve) -> None:
    from aiohttp import web
    from aiohttp.typedefs import Handler
    from mcp.server.auth.provider import AccessToken

    from mcpsecurity_server.transport import TOKEN_KEY

    @web.middleware
    async def expiring(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[TOKEN_KEY] = AccessToken(token="t", client_id="c", scopes=[], subject="s", expires_at=1000)
        return await handler(request)

    async with (
        serve(program(), middlewares=(expiring,), clock=lambda: 999.95) as served,
        Stream(served.get(await served.initialize())) as stream,
    ):
        assert len(await stream.rest()) == 1
        assert stream.retry == 1000
