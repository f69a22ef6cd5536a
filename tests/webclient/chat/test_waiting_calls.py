"""A call that waits for the person outlives the process that proposed it; none is made that was not kept as
approved, and none twice."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from mcp.server.fastmcp import FastMCP
from pydantic import SecretStr
from tests.browser.stack import Stack
from tests.support.programs import Program, postgresql
from tests.webclient.conftest import NewPerson, ServeWeb, new_user
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

MARATHON = "Run a marathon"
TWO = "Please generate two random numbers between 1 and 6"


class Chats:
    """Web chats on one database, one after another or side by side, for the same person."""

    def __init__(self, stack: Stack, serve_web: ServeWeb, visitors: NewPerson, database: str) -> None:
        self._serve_web = serve_web
        self._visitors = visitors
        self.file = database.removeprefix("sqlite:///")
        self._database = SecretStr(database)
        self._user = new_user(stack)
        self.chat_id = ""

    @asynccontextmanager
    async def served(self, **changes: Any) -> AsyncIterator[tuple[Visitor, EventStream, dict[str, Any]]]:
        """Run one; yield the person there, her page of the one conversation, and what it showed at first."""
        async with self._serve_web(database_url=self._database, **changes) as url:
            visitor = await self._visitors(self._user, url).sign_in()
            if self.chat_id:
                await visitor.open(f"/chats/{self.chat_id}")
            self.chat_id = visitor.chat_id
            async with visitor.stream() as stream:
                yield visitor, stream, await stream.until("snapshot")

    async def rested(self) -> None:
        """Wait until nobody has saved the conversation for longer than a change waits to be saved."""
        known, since = None, time.monotonic()
        while time.monotonic() < since + 1.5:
            with closing(sqlite3.connect(self.file)) as database:
                revision = database.execute("SELECT revision FROM conversations").fetchall()
            if revision != known:
                known, since = revision, time.monotonic()
            await asyncio.sleep(0.05)


@pytest.fixture
def chats(stack: Stack, serve_web: ServeWeb, visitors: NewPerson, tmp_path: Path) -> Chats:
    return Chats(stack, serve_web, visitors, f"sqlite:///{tmp_path}/conversations.sqlite3")


async def proposed(visitor: Visitor, stream: EventStream, text: str = MARATHON) -> dict[str, Any]:
    await visitor.ask(text)
    call: dict[str, Any] = (await stream.until("tool.proposed"))["call"]
    return call


async def test_a_call_that_waited_is_open_again_and_made_once_when_it_is_approved(
    chats: Chats, stack: Stack
) -> None:
    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
    stack.playground.proceed.set()
    async with chats.served() as (visitor, stream, shown):
        assert shown["calls"] == [call]  # with its deadline
        assert shown["run"]["trigger"] == "resume"
        assert (await visitor.decide(call, "approve", arguments={"kilometres": 9})).status == 202
        assert (await stream.until("tool.decided"))["edited"] is True
        assert (await stream.until("run.done"))["status"] == "completed"
        assert (await visitor.decide(call, "approve")).status == 409
        messages = (await visitor.snapshot())["messages"]
    assert "The marathon is over." in messages[-1]["text"]
    assert [message["role"] for message in messages] == ["user", "assistant", "assistant"]
    async with chats.served() as (_, _, again):
        assert again["run"] is None
        assert [c["status"] for c in again["calls"]] == ["done"]
    assert stack.playground.calls == [("run_marathon", {"kilometres": 9})]


async def test_a_message_that_is_sent_again_after_a_restart_is_taken_once(chats: Chats) -> None:
    """As a page does whose connection broke before it heard that its message was taken."""
    body = {"text": MARATHON, "client_request_id": "the page's"}
    async with chats.served() as (visitor, stream, _):
        first = (await visitor.command("messages", body)).body
        call = (await stream.until("tool.proposed"))["call"]
    async with chats.served() as (visitor, stream, shown):
        again = await visitor.command("messages", body)
        assert (again.status, again.body["message_id"]) == (202, first["message_id"])
        assert again.body["run_id"] == shown["run"]["run_id"]
        assert (await visitor.decide(call, "decline")).status == 202
        await stream.until("run.done")
    async with chats.served() as (visitor, _, _):
        assert (await visitor.command("messages", body)).body == {**first, "run_id": None}
        said = (await visitor.snapshot())["messages"]
    assert [message["role"] for message in said] == ["user", "assistant", "assistant"]


async def test_a_message_that_was_kept_but_never_answered_is_answered_when_it_is_sent_again(
    chats: Chats,
) -> None:
    body = {"text": "hello", "client_request_id": "the page's"}
    async with chats.served() as (visitor, stream, _):
        first = (await visitor.command("messages", body)).body
        await stream.until("run.done")
        visitor_chat = visitor.chat_id
    with closing(sqlite3.connect(chats.file)) as database:  # as a process leaves it that is killed at once
        database.execute("DELETE FROM parts WHERE body LIKE '%assistant%' AND chat_id = ?", (visitor_chat,))
        database.commit()
    async with chats.served() as (visitor, stream, shown):
        assert [message["role"] for message in shown["messages"]] == ["user"]
        again = await visitor.command("messages", body)
        assert (again.status, again.body["message_id"]) == (202, first["message_id"])
        done = await stream.until("run.done")
        assert (done["status"], done["run_id"]) == ("completed", again.body["run_id"])
        said = (await visitor.snapshot())["messages"]
    assert [message["role"] for message in said] == ["user", "assistant"]


async def test_a_call_that_waited_and_is_declined_after_a_restart_is_never_made(
    chats: Chats, stack: Stack
) -> None:
    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
    async with chats.served() as (visitor, stream, _):
        assert (await visitor.decide(call, "decline", reason="Too far.")).status == 202
        assert (await stream.until("run.done"))["status"] == "completed"
    async with chats.served() as (visitor, _, shown):
        assert [(c["status"], c["reason"]) for c in shown["calls"]] == [("declined", "Too far.")]
        assert (await visitor.decide(call, "approve")).status == 409
    assert stack.playground.calls == []


async def test_of_a_batch_only_what_has_not_ended_goes_on_after_a_restart(chats: Chats) -> None:
    async with chats.served() as (visitor, stream, _):
        first = await proposed(visitor, stream, TWO)
        second = (await stream.until("tool.proposed"))["call"]
        assert (await visitor.decide(second, "approve")).status == 202
        result = (await stream.until("tool.done"))["content"]
    async with chats.served() as (visitor, stream, shown):
        assert [c["status"] for c in shown["calls"]] == ["proposed", "done"]
        assert (await visitor.decide(first, "decline")).status == 202
        assert (await stream.until("run.done"))["status"] == "completed"
        after = await visitor.snapshot()
    assert [c["status"] for c in after["calls"]] == ["declined", "done"]
    assert after["calls"][1]["content"] == result
    assert "declined" in after["messages"][-1]["text"]


async def test_a_call_that_waits_on_is_still_its_owners_only(
    chats: Chats, visitors: NewPerson, stack: Stack
) -> None:
    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
    async with chats.served() as (visitor, _, _):
        bob = await visitors(url=visitor.url).sign_in()
        bob.chat_id = visitor.chat_id
        for decision in ("approve", "decline"):
            assert (await bob.decide(call, decision)).status == 404
        batch = f"batches/{call['batch_id']}/decision"
        assert (await bob.command(batch, {"decision": "approve"})).status == 404
        assert [c["status"] for c in (await visitor.snapshot())["calls"]] == ["proposed"]
    assert stack.playground.calls == []


async def test_the_deadline_is_the_one_the_person_was_shown(chats: Chats, stack: Stack) -> None:
    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
    soon = call["expires_at"] - 5  # far less than the second chat gives
    async with chats.served(app={"clock": lambda: soon}) as (visitor, stream, _):
        assert (await stream.until("tool.decided"))["by"] == "timeout"
        assert (await stream.until("run.done"))["at"] < call["expires_at"] + 10
        assert (await visitor.decide(call, "approve")).status == 410
    assert stack.playground.calls == []


async def test_a_call_whose_deadline_passed_meanwhile_is_declined_and_no_model_is_asked(
    chats: Chats, stack: Stack
) -> None:
    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
        await visitor.command("mode", {"mode": "elicitation"})
    async with chats.served(app={"clock": lambda: call["expires_at"] + 1}) as (visitor, _, shown):
        assert [(c["status"], c["decided_by"]) for c in shown["calls"]] == [("declined", "timeout")]
        assert shown["run"] is None
        assert (await visitor.decide(call, "approve")).status == 410
    assert stack.playground.calls == []


async def test_what_changed_since_does_not_approve_a_call_that_waited(chats: Chats, stack: Stack) -> None:
    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
        await visitor.command("mode", {"mode": "elicitation"})  # from the next call on
    async with chats.served() as (visitor, stream, _):
        assert (await visitor.decide(call, "decline")).status == 202
        assert (await stream.until("tool.decided"))["by"] == "user"
    assert stack.playground.calls == []


async def test_a_tool_that_is_not_what_the_person_saw_is_not_called(
    chats: Chats, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed: FastMCP[None] = FastMCP("changed")

    @changed.tool(title="Marathon", description="Run a marathon, and pay for it.")
    def run_marathon(kilometres: int = 4) -> str:
        stack.playground.calls.append(("run_marathon", {"kilometres": kilometres}))
        return "Paid."

    async with chats.served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
    tools = stack.playground.mcp._tool_manager._tools
    monkeypatch.setitem(tools, "run_marathon", changed._tool_manager._tools["run_marathon"])
    async with chats.served() as (visitor, stream, _):
        assert (await visitor.decide(call, "approve")).status == 202
        done = await stream.until("tool.done")
        assert (await stream.until("run.done"))["status"] == "completed"
    assert (done["status"], "has changed" in done["content"][0]["text"]) == ("failed", True)
    assert stack.playground.calls == []


async def test_stopping_and_signing_out_end_what_waits_for_good(chats: Chats, stack: Stack) -> None:
    async with chats.served() as (visitor, stream, _):
        await proposed(visitor, stream)
        await visitor.sign_out()
    async with chats.served() as (visitor, stream, shown):
        assert [c["decided_by"] for c in shown["calls"]] == ["stop"]
        run = await visitor.ask(MARATHON)
        await stream.until("tool.proposed")
        assert (await visitor.command(f"runs/{run}/stop")).status == 202
        await stream.until("run.done")
    async with chats.served() as (_, _, shown):
        assert shown["run"] is None
        assert [c["status"] for c in shown["calls"]] == ["declined", "declined"]
    assert stack.playground.calls == []


@pytest.mark.parametrize("first", ["old", "new"])
async def test_a_process_that_has_lost_the_conversation_can_make_no_call(
    chats: Chats, stack: Stack, first: str
) -> None:
    """Two processes on one database that know nothing of each other: as when a lease was lost unnoticed."""
    stack.playground.proceed.set()
    async with chats.served() as old:
        call = await proposed(*old[:2])
        await chats.rested()
        async with chats.served() as new:
            assert [c["status"] for c in new[2]["calls"]] == ["proposed"]
            winner, loser = (old, new) if first == "old" else (new, old)
            assert (await winner[0].decide(call, "approve")).status == 202
            await winner[1].until("run.done")
            refused = await loser[0].decide(call, "approve")
            assert refused.status == 409
            refused = await loser[0].decide(call, "decline")
            assert refused.status == 409
    assert len(stack.playground.calls) == 1


async def test_a_process_that_has_lost_the_conversation_uses_no_grant(chats: Chats, stack: Stack) -> None:
    stack.playground.proceed.set()
    async with chats.served() as (visitor, stream, _):
        await visitor.decide(await proposed(visitor, stream), "approve", always=True)
        await stream.until("run.done")
        stack.model.pace = 10.0  # seconds a piece, until it is set back
        await visitor.ask(MARATHON)
        await chats.rested()
        async with chats.served() as (new, _, _):
            await new.command("rename", {"title": "Taken over"})
            await new.ask("hello")
        stack.model.pace = 0.0
        done = await stream.until("tool.done")
        toast = await stream.until("toast")
    assert (done["status"], "could not be saved" in done["content"][0]["text"]) == ("failed", True)
    assert len(stack.playground.calls) == 1
    assert "was changed elsewhere" in toast["message"], "and not that it will be saved"


@pytest.fixture
async def database() -> AsyncIterator[tuple[Program, str]]:
    async with postgresql() as running:
        yield running


async def test_a_decision_that_cannot_be_saved_does_not_count_and_the_call_stays_open(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson, database: tuple[Program, str]
) -> None:
    server, address = database
    stack.playground.proceed.set()
    async with Chats(stack, serve_web, visitors, address).served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
        await stream.until("message.done")
        await server.stop()
        for decision in ("approve", "decline"):
            answer = await visitor.decide(call, decision, always=True)
            assert (answer.status, answer.error["code"], answer.error["retryable"]) == (503, "not_kept", True)
        shown = await visitor.snapshot()
        assert ([c["status"] for c in shown["calls"]], shown["grants"]) == (["proposed"], [])
        assert stack.playground.calls == []
        await server.start()
        assert (await visitor.decide(call, "approve")).status == 202
        assert (await stream.until("run.done"))["status"] == "completed"
    assert stream.names.count("tool.decided") == 1
    assert len(stack.playground.calls) == 1


async def test_a_call_that_needs_no_decision_is_not_made_while_it_cannot_be_kept(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson, database: tuple[Program, str]
) -> None:
    server, address = database
    async with Chats(stack, serve_web, visitors, address).served() as (visitor, stream, _):
        await visitor.command("mode", {"mode": "elicitation"})
        stack.model.pace = 3.0  # seconds a piece, until it is set back
        await visitor.ask(MARATHON)
        await server.stop()
        stack.model.pace = 0.0
        done = await stream.until("tool.done")
        assert (done["status"], "could not be saved" in done["content"][0]["text"]) == ("failed", True)
        await stream.until("run.done")
        await server.start()
    assert stack.playground.calls == []


async def test_what_the_person_takes_back_counts_when_it_is_kept(
    stack: Stack, serve_web: ServeWeb, visitors: NewPerson, database: tuple[Program, str]
) -> None:
    server, address = database
    stack.playground.proceed.set()
    async with Chats(stack, serve_web, visitors, address).served() as (visitor, stream, _):
        call = await proposed(visitor, stream)
        assert (await visitor.decide(call, "approve", always=True)).status == 202
        await stream.until("run.done")
        granted = {"server": call["server"], "tool": call["tool"], "scope": "chat"}
        await server.stop()
        for command, body in (("grants", granted), ("mode", {"mode": "elicitation"})):
            answer = await visitor.command(command, body)
            assert (answer.status, answer.error["retryable"]) == (503, True)
        shown = await visitor.snapshot()
        assert (shown["grants"], shown["mode"]) == ([granted], "manual")
        await server.start()
        assert (await visitor.command("grants", granted)).status == 202
        assert (await visitor.snapshot())["grants"] == []
