"""Servers that are silent, and answers that only look like some: what mutated answers brought to light."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from mcp import types
from mcp.shared.message import SessionMessage
from tests.client.mutating_server import MutatingServer, serving
from tests.client.mutations import AddPart, Answer, Replace

from mcpsecurity.client import ConcurrentSession, McpConnection, ServerUnavailableError, result_text
from mcpsecurity.client.event_streams import EventReader, RequestStream
from mcpsecurity.client.time_limits import OpenPost

SILENT = Answer(stall=True)


@asynccontextmanager
async def against(plan: dict[str, Answer], **options: Any) -> AsyncIterator[McpConnection]:
    """Give a connection, not yet open, to a server that answers these kinds of requests so, once."""
    server = MutatingServer()
    server.begin({kind: [answer] for kind, answer in plan.items()})
    async with serving(server) as (url, _):
        connection = McpConnection(url, timeout=1.0, **options)
        yield connection
        await connection.aclose()


def nested(depth: int) -> Any:
    inner: Any = []
    for _ in range(depth - 1):
        inner = [inner]
    return inner


@pytest.mark.slow
async def test_a_notification_that_is_never_answered_does_not_hold_up_the_calls_after_it() -> None:
    async with against({"notifications/initialized": SILENT}) as connection:
        assert "fine" in result_text(await connection.call_tool("t", {"n": 1}))


@pytest.mark.slow
async def test_a_server_that_is_silent_at_the_end_is_left() -> None:
    async with against({"DELETE": SILENT}) as connection:
        await connection.open()
        await connection.aclose()
        assert connection.session_id == "s1"


@pytest.mark.slow
async def test_a_connection_that_cannot_be_opened_says_so_though_the_server_does_not_hear_the_goodbye() -> (
    None
):
    old = Answer(message=(AddPart({"protocolVersion": "2024-10-07"}, inside=True),))
    async with against({"initialize": old, "DELETE": SILENT}) as connection:
        with pytest.raises(ServerUnavailableError, match="revision 2024-10-07"):
            await connection.open()


async def test_a_connection_that_cannot_be_opened_says_so_though_the_answer_to_the_goodbye_never_ends() -> (
    None
):
    endless = Answer(length="cut", end="stall")
    no_mcp = Answer(kinds=("text/html",))
    async with against({"initialize": no_mcp, "DELETE": endless}) as connection:
        with pytest.raises(ServerUnavailableError):
            await connection.open()


async def test_a_call_that_runs_when_its_connection_is_closed_ends() -> None:
    async with against({"tools/call": SILENT}) as connection:
        await connection.open()
        running = asyncio.create_task(connection.call_tool("t", {"n": 1}))
        await connection.list_tools()
        await connection.aclose()
        with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
            await running


async def test_a_call_that_runs_when_another_one_hears_that_the_session_is_gone_ends() -> None:
    async with against({"tools/call": SILENT, "prompts/get": Answer(status=404)}) as connection:
        await connection.open()
        running = asyncio.create_task(connection.call_tool("t", {"n": 1}))
        await connection.list_tools()
        await connection.get_prompt("p", {})
        with pytest.raises(ServerUnavailableError, match="not known whether this was completed"):
            await running


async def test_a_question_that_the_server_withdraws_leaves_its_call_and_the_session() -> None:
    withdrawn: list[str] = []

    async def think(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        try:
            await asyncio.Event().wait()
        finally:
            withdrawn.append(params.message)
        return types.ElicitResult(action="cancel")

    form = {"message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}
    question = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": form}
    withdrawal = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "q"}}
    ping = {
        "jsonrpc": "2.0",
        "id": "p",
        "method": "ping",
    }  # between them, so that the question is being asked
    asking = Answer(events=True, before=(question, ping, withdrawal))
    async with against({"tools/call": asking}, elicitation=think) as connection:
        await connection.open()
        session = connection.session
        for number in (1, 2):
            assert "fine" in result_text(await connection.call_tool("t", {"n": number}))
        assert connection.session is session
    assert withdrawn == ["Who?"]


async def test_an_answer_that_has_come_is_not_lost_when_the_session_is_closed_in_that_moment() -> None:
    to_client, reading = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    writing, from_client = anyio.create_memory_object_stream[SessionMessage](1)
    with to_client, from_client:
        async with ConcurrentSession(reading, writing) as session:
            running = asyncio.create_task(session.send_ping())
            asked: Any = (await from_client.receive()).message.root
            answer = types.JSONRPCResponse(jsonrpc="2.0", id=asked.id, result={})
            await to_client.send(SessionMessage(types.JSONRPCMessage(answer)))
        assert await running == types.EmptyResult()


@pytest.mark.parametrize("member", [{"error": {"code": 1, "message": "x"}}, {"result": {}}], ids=str)
async def test_a_request_with_an_answers_member_is_not_taken_for_the_answer(member: dict[str, Any]) -> None:
    odd = {"jsonrpc": "2.0", "id": 999, "method": "ping", **member}
    async with against({"tools/call": Answer(events=True, before=(odd,))}) as connection:
        assert "fine" in result_text(await connection.call_tool("t", {"n": 1}))


@pytest.mark.parametrize("depth", [190, 199, 400])
@pytest.mark.parametrize("events", [False, True], ids=["JSON", "events"])
async def test_an_answer_nested_deeper_than_the_sdk_reads_is_cut(depth: int, events: bool) -> None:
    deep = Answer(events=events, message=(AddPart({"_meta": nested(depth)}, inside=True),))
    async with against({"tools/call": deep}) as connection:
        assert "fine" in result_text(await connection.call_tool("t", {"n": 1}))


@pytest.mark.parametrize(
    "greeting",
    [Answer(session="ä"), Answer(session=" ", headers=(("Mcp-Session-Id", "other"),))],
    ids=["ä", "two"],
)
async def test_a_session_id_that_cannot_be_sent_back_is_refused(greeting: Answer) -> None:
    async with against({"initialize": greeting}) as connection:
        with pytest.raises(ServerUnavailableError, match="session id"):
            await connection.open()
        assert "fine" in result_text(await connection.call_tool("t", {"n": 1}))


async def test_what_the_server_says_by_itself_may_be_nonsense() -> None:
    nonsense = Answer(events=True, text=(Replace(b"[" * 500),), before=(7, None, {"id": 1, "result": {}}))
    async with against({"GET": nonsense}) as connection:
        assert "fine" in result_text(await connection.call_tool("t", {"n": 1}))


async def test_a_stream_may_be_resumed_a_thousand_times() -> None:
    asked: list[str] = []

    async def resume(last_id: str) -> httpx.Response:
        asked.append(last_id)
        answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}})
        text = f"id: {len(asked)}\ndata: {answer if len(asked) == 1500 else ''}\n\n"
        return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})

    first = httpx.Response(200, text="id: 0\ndata:\n\n")
    stream = RequestStream(first, 1, OpenPost(), resume=resume, failed=lambda *_: b"failed", seconds=0)
    (answer,) = [chunk async for chunk in stream]
    assert json.loads(answer.removeprefix(b"data: "))["result"] == {}
    assert asked == [str(number) for number in range(1500)]


async def test_a_stream_that_is_resumed_without_anything_new_ends_with_an_error() -> None:
    asked: list[str] = []

    async def resume(last_id: str) -> httpx.Response:
        asked.append(last_id)
        return httpx.Response(200, text="id: 0\ndata:\n\n", headers={"Content-Type": "text/event-stream"})

    first = httpx.Response(200, text="id: 0\ndata:\n\n")
    stream = RequestStream(first, 1, OpenPost(), resume=resume, failed=lambda *_: b"failed", seconds=0)
    assert [chunk async for chunk in stream] == [b"failed"]
    assert len(asked) == 100


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("1500", 1.5), ("0", 0.02), ("9" * 5000, 300), ("soon", None), ("-1", None), ("\u0663", None)],
    ids=["milliseconds", "at once", "never", "words", "before", "other digits"],
)
def test_a_stream_is_resumed_when_the_server_says_within_bounds(told: str, seconds: float | None) -> None:
    (event,) = EventReader().feed(f"retry: {told}\ndata:\n\n".encode())
    assert event.retry == seconds
