"""Cancellation both ways: the client stops a call; a call stops a question."""

import asyncio
from typing import Any

from tests.server.transport.conftest import Serve
from tests.server.transport.program import Gate, Name, ToolContext, program
from tests.server.transport.stream_client import Stream


def cancel(id: int | str) -> dict[str, Any]:  # noqa: A002 - the protocol's word
    return {"method": "notifications/cancelled", "params": {"requestId": id, "reason": "enough"}}


async def test_a_cancelled_call_stops_and_gets_no_answer(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()

        async def call() -> bytes:
            async with served.call("wait", headers, id="one") as response:
                assert response.status == 200
                return bytes(await response.read())

        calling = asyncio.create_task(call())
        await gate.entered.wait()
        assert await served.status(served.post(cancel("one"), headers)) == 202
        assert await calling == b""
        assert gate.cancelled.is_set()
        assert await served.status(served.call("add", headers, id="one", a=1, b=2)) == 200


async def test_a_cancelled_call_that_has_a_stream_ends_it_without_an_answer(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        async with Stream(served.call("wait_loudly", headers, id=7)) as stream:
            await gate.entered.wait()
            assert await served.status(served.post(cancel(7), headers)) == 202
            said = [event.message for event in await stream.rest() if event.message is not None]
    assert [message["method"] for message in said] == ["notifications/message"]


async def test_a_call_that_swallows_its_cancellation_gets_no_answer_either(serve: Serve) -> None:
    gate = Gate()

    async def act(_: ToolContext) -> str:
        try:
            await gate.pass_through()
        except asyncio.CancelledError:
            return "stubborn"
        return "waited"

    async with serve(program(act=act)) as served:
        headers = await served.initialize()
        calling = asyncio.create_task(_body(served, headers))
        await gate.entered.wait()
        assert await served.status(served.post(cancel(1), headers)) == 202
        assert await calling == b""


async def _body(served: Any, headers: dict[str, str]) -> bytes:
    async with served.call("act", headers) as response:
        return bytes(await response.read())


async def test_a_number_is_not_cancelled_by_the_text_that_looks_like_it(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize()
        calling = asyncio.create_task(served.status(served.call("wait", headers, id=1)))
        await gate.entered.wait()
        for other in ("1", 2, True, None, 1.0, [1]):
            assert await served.status(served.post(cancel(other), headers)) == 202  # type: ignore[arg-type] # wrong on purpose
        assert not gate.cancelled.is_set()
        gate.opened.set()
        assert await calling == 200


async def test_one_call_of_a_batch_is_cancelled_and_the_others_are_answered(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        headers = await served.initialize("2025-03-26")
        batch = [
            {"jsonrpc": "2.0", "id": "w", "method": "tools/call", "params": {"name": "wait"}},
            {"jsonrpc": "2.0", "id": "p", "method": "ping"},
        ]

        async def call() -> Any:
            async with served.post(batch, headers) as response:
                return await response.json()

        calling = asyncio.create_task(call())
        await gate.entered.wait()
        assert await served.status(served.post(cancel("w"), headers)) == 202
        assert await calling == [{"jsonrpc": "2.0", "id": "p", "result": {}}]


async def test_a_session_cannot_cancel_a_call_of_another(serve: Serve) -> None:
    gate = Gate()
    async with serve(program(gate)) as served:
        mine, theirs = await served.initialize(), await served.initialize()
        calling = asyncio.create_task(served.status(served.call("wait", mine, id="one")))
        await gate.entered.wait()
        assert await served.status(served.post(cancel("one"), theirs)) == 202
        assert not gate.cancelled.is_set()
        gate.opened.set()
        assert await calling == 200


async def test_a_question_that_nobody_needs_any_more_is_cancelled_at_the_client(serve: Serve) -> None:
    async def act(ctx: ToolContext) -> str:
        try:
            async with asyncio.timeout(0.05):
                await ctx.elicit("Who are you?", Name)
        except TimeoutError:
            return "gave up"
        return "answered"

    async with serve(program(act=act)) as served:
        headers = await served.initialize(elicitation={})
        async with Stream(served.call("act", headers)) as stream:
            question = await stream.message()
            cancelled = await stream.message()
            answer = await stream.message()
        assert question["method"] == "elicitation/create"
        assert cancelled["method"] == "notifications/cancelled"
        assert cancelled["params"]["requestId"] == question["id"]
        assert answer["result"]["content"][0]["text"] == "gave up"
        late = {"id": question["id"], "result": {"action": "accept", "content": {"name": "Late"}}}
        assert await served.status(served.post(late, headers)) == 202


async def test_cancelling_a_call_cancels_its_question(serve: Serve) -> None:
    async with serve(program()) as served:
        headers = await served.initialize(elicitation={})
        async with Stream(served.call("greet", headers, id=3)) as stream:
            question = await stream.message()
            assert await served.status(served.post(cancel(3), headers)) == 202
            rest = [event.message for event in await stream.rest()]
    assert [message["method"] for message in rest] == ["notifications/cancelled"]
    assert rest[0]["params"]["requestId"] == question["id"]
