"""Two people at one chat, one MCP server, at the same time: each sees and answers only her own requests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from tests.browser.person import ALICE, BOB
from tests.browser.stack import Stack, running_stack
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

NUMBER = "Please generate a random number between 1 and 6"


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("localcloud")) as stack:
        stack.model.pace = 0.0
        yield stack


class Side:
    """One person with an open page, and all that it was told."""

    def __init__(self, visitor: Visitor, stream: EventStream) -> None:
        self.visitor = visitor
        self.stream = stream

    async def answer(self, asked: dict[str, Any]) -> int:
        """Accept a question and return the status."""
        content = {f["name"]: True for f in asked["fields"] if f["kind"] == "boolean"}
        body = {"action": "accept", "content": content}
        return (await self.visitor.command(f"elicitations/{asked['elicitation_id']}", body)).status

    @property
    def told(self) -> str:
        return "".join(json.dumps(event.data) for event in self.stream.events)


@pytest.fixture
async def sides(stack: Stack) -> AsyncIterator[tuple[Side, Side]]:
    async with AsyncExitStack() as opened:
        both = []
        for user in (ALICE, BOB):
            visitor = await opened.enter_async_context(Visitor(stack.url, user))
            await visitor.sign_in()
            await visitor.new_chat()
            both.append(Side(visitor, await opened.enter_async_context(visitor.stream())))
        yield both[0], both[1]


async def _refused(side: Side, path: str, body: dict[str, Any], other_chat: str) -> None:
    """Every request with the other person's id answers that it does not exist."""
    mine, theirs = side.visitor.chat_id, other_chat
    for chat in (mine, theirs):
        answer = await side.visitor.command(f"/api/chats/{chat}/{path}", body)
        assert (answer.status, answer.error["code"]) in ((404, "no_such_request"), (404, "no_such_chat"))


async def test_approvals_of_two_people_at_once_do_not_meet(sides: tuple[Side, Side]) -> None:
    alice, bob = sides
    await asyncio.gather(*(side.visitor.ask(NUMBER) for side in sides))
    calls = [(await side.stream.until("tool.proposed"))["call"] for side in sides]
    for side, call, other in ((bob, calls[0], alice), (alice, calls[1], bob)):
        body = {"decision": "approve", "args_hash": call["args_hash"]}
        await _refused(side, f"calls/{call['call_id']}/decision", body, other.visitor.chat_id)
        await _refused(
            side, f"batches/{call['batch_id']}/decision", {"decision": "approve"}, other.visitor.chat_id
        )
    assert (await alice.visitor.decide(calls[0], "approve")).status == 202
    assert (await bob.visitor.decide(calls[1], "decline")).status == 202
    assert (await alice.stream.until("tool.done"))["status"] == "done"
    assert (await bob.stream.until("tool.done"))["status"] == "declined"
    for side, other in ((alice, bob), (bob, alice)):
        await side.stream.until("run.done")
        assert other.visitor.chat_id not in side.told
        assert other.visitor.user not in side.told


async def test_questions_of_the_server_reach_only_the_person_whose_call_raised_them(
    sides: tuple[Side, Side],
) -> None:
    alice, bob = sides
    for side in sides:
        assert (await side.visitor.command("mode", {"mode": "elicitation"})).status == 202
        await side.visitor.ask(NUMBER)
    asked = [(await side.stream.until("elicitation.requested"))["elicitation"] for side in sides]
    for side, question, other in ((bob, asked[0], alice), (alice, asked[1], bob)):
        path = f"elicitations/{question['elicitation_id']}"
        await _refused(side, path, {"action": "accept", "content": {}}, other.visitor.chat_id)
        assert question["elicitation_id"] not in side.told
        open_here = (await side.visitor.snapshot())["elicitations"]
        assert [e["elicitation_id"] for e in open_here] != [question["elicitation_id"]]
    assert await alice.answer(asked[0]) == 202
    await alice.stream.until("run.done")
    assert [e["elicitation_id"] for e in (await bob.visitor.snapshot())["elicitations"]] == [
        asked[1]["elicitation_id"]
    ], "one person's answer is not the other's"
    assert await bob.answer(asked[1]) == 202
    await bob.stream.until("run.done")


async def test_who_the_tools_work_for_is_who_is_signed_in(sides: tuple[Side, Side]) -> None:
    for side in sides:
        await side.visitor.ask("Who am I?")
        call = (await side.stream.until("tool.proposed"))["call"]
        assert call["tool"] == "who_am_i"
        await side.visitor.decide(call, "approve")
        done = await side.stream.until("tool.done")
        assert side.visitor.user in json.dumps(done["structured"])
        await side.stream.until("run.done")
