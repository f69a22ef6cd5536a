"""A tool runs only as the person approved it, and the server is where that is made sure of."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor

from mcpsecurity.localcloud.openai.offline import ToolCall
from mcpsecurity.testing import calls, says


@pytest.fixture
async def stream(visitor: Visitor) -> AsyncIterator[EventStream]:
    async with visitor.stream() as stream:
        yield stream


async def _proposed(visitor: Visitor, stream: EventStream, text: str = "Run a marathon") -> dict[str, Any]:
    await visitor.ask(text)
    call: dict[str, Any] = (await stream.until("tool.proposed"))["call"]
    return call


async def test_a_proposed_call_is_described_in_full_and_waits(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    call = await _proposed(visitor, stream)
    assert (call["server"], call["tool"], call["title"]) == ("playground", "run_marathon", "Marathon")
    assert call["status"] == "proposed"
    assert call["input_schema"]["properties"]["kilometres"]["type"] == "integer"
    assert call["expires_at"] > call["arguments"].get("now", 0)
    assert [c["call_id"] for c in (await visitor.snapshot())["calls"]] == [call["call_id"]]
    assert stack.playground.calls == []


async def test_an_approved_call_runs_and_the_answer_follows(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    call = await _proposed(visitor, stream)
    assert (await visitor.decide(call, "approve")).status == 202
    decided = await stream.until("tool.decided")
    assert (decided["decision"], decided["by"], decided["edited"]) == ("approved", "user", False)
    await stream.until("tool.started", call_id=call["call_id"])
    progress = await stream.until("tool.progress")
    assert (progress["progress"], progress["message"]) == (1, "Running hard")
    stack.playground.proceed.set()
    done = await stream.until("tool.done")
    assert (done["status"], done["truncated"]) == ("done", False)
    assert done["content"] == [{"type": "text", "text": "The marathon is over."}]
    assert (await stream.until("run.done"))["status"] == "completed"
    assert len(stack.playground.calls) == 1
    again = await visitor.decide(call, "approve")
    assert (again.status, again.error["code"]) == (409, "already_decided")


async def test_a_declined_call_never_reaches_the_server_and_the_model_hears_the_reason(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    call = await _proposed(visitor, stream)
    assert (await visitor.decide(call, "decline", reason="Too far.")).status == 202
    decided = await stream.until("tool.decided")
    assert (decided["decision"], decided["by"], decided["reason"]) == ("declined", "user", "Too far.")
    assert (await stream.until("tool.done"))["status"] == "declined"
    assert (await stream.until("run.done"))["status"] == "completed"
    assert stack.playground.calls == []


@pytest.mark.parametrize("forged", ["", "0" * 32, "x" * 64])
async def test_an_approval_of_arguments_that_were_not_shown_does_not_count(
    visitor: Visitor, stream: EventStream, stack: Stack, forged: str
) -> None:
    call = await _proposed(visitor, stream)
    answer = await visitor.decide({**call, "args_hash": forged}, "approve")
    assert answer.status == 409
    assert (await visitor.snapshot())["calls"][0]["status"] == "proposed"
    assert stack.playground.calls == []


async def test_edited_arguments_are_what_the_tool_gets(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    call = await _proposed(visitor, stream)
    wrong = await visitor.decide(call, "approve", arguments={"kilometres": "many"})
    assert (wrong.status, list(wrong.error["fields"])) == (422, ["kilometres"])
    stack.playground.proceed.set()
    assert (await visitor.decide(call, "approve", arguments={"kilometres": 9})).status == 202
    decided = await stream.until("tool.decided")
    assert (decided["edited"], decided["arguments"]) == (True, {"kilometres": 9})
    await stream.until("run.done")
    assert stack.playground.calls == [("run_marathon", {"kilometres": 9})]


async def test_the_model_is_told_that_the_person_changed_the_arguments(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    stack.model.script.turns.extend([calls("playground-run_marathon", '{"kilometres": 7}'), says("Done.")])
    call = await _proposed(visitor, stream)
    stack.playground.proceed.set()
    assert (await visitor.decide(call, "approve", arguments={"kilometres": 9})).status == 202
    await stream.until("run.done")
    result = stack.model.script.asked[-1].messages[-1]["content"]
    note = 'The person changed the arguments of this call; it was made with {"kilometres":9}.'
    assert result == f"{note}\nThe marathon is over."
    assert (await visitor.snapshot())["calls"][0]["edited"] is True


@pytest.mark.parametrize(("text", "edited"), [("7.0", True), ("7", False), (" 7 ", False), ("7e0", True)])
async def test_a_number_written_in_another_way_is_edited(
    visitor: Visitor, stream: EventStream, stack: Stack, text: str, edited: bool
) -> None:
    call = await _proposed(visitor, stream, "Run a marathon of 7 kilometres")
    stack.playground.proceed.set()
    given = f'"args_hash": "{call["args_hash"]}", "arguments": {{"kilometres": {text}}}'
    body = f'{{"decision": "approve", {given}}}'
    headers = {"Content-Type": "application/json"}
    answer = await visitor.command(f"calls/{call['call_id']}/decision", data=body.encode(), headers=headers)
    assert answer.status == 202
    assert (await stream.until("tool.decided"))["edited"] is edited
    await stream.until("run.done")
    assert stack.playground.calls == [("run_marathon", {"kilometres": 7})]


async def test_arguments_that_are_all_taken_away_are_taken_away(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    call = await _proposed(visitor, stream, "Run a marathon of 7 kilometres")
    assert call["arguments"] == {"kilometres": 7}
    stack.playground.proceed.set()
    await visitor.decide(call, "approve", arguments={})
    assert (await stream.until("tool.decided"))["arguments"] == {}
    await stream.until("run.done")
    assert stack.playground.calls == [("run_marathon", {"kilometres": 4})]


async def test_a_grant_approves_the_same_tool_until_it_is_revoked(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    stack.playground.proceed.set()
    call = await _proposed(visitor, stream)
    await visitor.decide(call, "approve", always=True)
    grant = {"server": "playground", "tool": "run_marathon", "scope": "chat"}
    assert (await stream.until("grants.changed"))["grants"] == [grant]
    await stream.until("run.done")
    await _proposed(visitor, stream)
    assert (await stream.until("tool.decided"))["by"] == "grant"
    await stream.until("run.done")
    assert (await visitor.snapshot())["grants"] == [grant]
    assert (await visitor.command("grants", grant)).status == 202
    assert (await stream.until("grants.changed"))["grants"] == []
    assert (await visitor.command("grants", grant)).status == 404
    await _proposed(visitor, stream)
    assert len(stack.playground.calls) == 2


async def test_a_grant_is_of_one_tool_and_one_conversation(visitor: Visitor, stack: Stack) -> None:
    stack.playground.proceed.set()
    async with visitor.stream() as stream:
        await visitor.decide(await _proposed(visitor, stream), "approve", always=True)
        await stream.until("run.done")
        other = await _proposed(visitor, stream, "Begin a voyage")
        assert (await visitor.snapshot())["calls"][-1]["status"] == "proposed"
        await visitor.decide(other, "decline", always=True)
        await stream.until("run.done")
        assert len((await visitor.snapshot())["grants"]) == 1, "declining grants nothing"
    await visitor.new_chat()
    async with visitor.stream() as stream:
        assert (await stream.until("snapshot"))["grants"] == []
        await _proposed(visitor, stream)
        assert (await visitor.snapshot())["calls"][0]["status"] == "proposed"


async def test_several_calls_are_decided_one_by_one_or_together(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    await visitor.ask("Please generate two random numbers between 1 and 6")
    first = (await stream.until("tool.proposed"))["call"]
    second = (await stream.until("tool.proposed"))["call"]
    assert first["batch_id"] == second["batch_id"]
    await visitor.decide(first, "decline")
    batch = f"batches/{first['batch_id']}/decision"
    assert (await visitor.command(batch, {"decision": "approve"})).status == 202
    await stream.until("run.done")
    statuses = {c["call_id"]: c["status"] for c in (await visitor.snapshot())["calls"]}
    assert (statuses[first["call_id"]], statuses[second["call_id"]]) == ("declined", "done")
    assert (await visitor.command(batch, {"decision": "approve"})).status == 409


async def test_what_may_destroy_is_not_approved_together_with_others(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    dice = ToolCall("Tools-get_random_number", {"min": 1, "max": 7})
    stack.model.script.turns.extend([calls("playground-demolish_house", "{}", dice), says("Done.")])
    await visitor.ask("Do both")
    house = (await stream.until("tool.proposed"))["call"]
    number = (await stream.until("tool.proposed"))["call"]
    batch = f"batches/{house['batch_id']}/decision"
    assert (await visitor.command(batch, {"decision": "approve"})).status == 202
    await stream.until("tool.done", call_id=number["call_id"])
    assert (await visitor.command(batch, {"decision": "approve"})).status == 422
    assert stack.playground.calls == []
    assert (await visitor.command(batch, {"decision": "decline"})).status == 202
    await stream.until("run.done")
    statuses = {c["call_id"]: c["status"] for c in (await visitor.snapshot())["calls"]}
    assert (statuses[house["call_id"]], statuses[number["call_id"]]) == ("declined", "done")


async def test_nobodys_silence_is_an_approval(visitors: NewPerson, serve_web: ServeWeb, stack: Stack) -> None:
    async with serve_web(approval_timeout=0.3) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            call = await _proposed(visitor, stream)
            decided = await stream.until("tool.decided")
            assert (decided["decision"], decided["by"]) == ("declined", "timeout")
            await stream.until("run.done")
            late = await visitor.decide(call, "approve")
            assert (late.status, late.error["code"]) == (410, "expired")
            batch = f"batches/{call['batch_id']}/decision"
            assert (await visitor.command(batch, {"decision": "approve"})).status == 410
        assert stack.playground.calls == []


async def test_the_first_of_many_answers_wins(visitor: Visitor, stream: EventStream, stack: Stack) -> None:
    stack.playground.proceed.set()
    call = await _proposed(visitor, stream)
    answers = await asyncio.gather(*(visitor.decide(call, "approve") for _ in range(8)))
    assert sorted(a.status for a in answers) == [202] + [409] * 7
    await stream.until("run.done")
    assert len(stack.playground.calls) == 1
    assert stream.names.count("tool.decided") == 1


async def test_somebody_else_can_decide_nothing_of_mine(
    visitors: NewPerson, visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    call = await _proposed(visitor, stream)
    other = await visitors().sign_in()
    assert (await other.decide(call, "approve")).status == 404
    other.chat_id = visitor.chat_id
    assert (await other.decide(call, "approve")).status == 404
    assert (await visitor.snapshot())["calls"][0]["status"] == "proposed"


async def test_in_elicitation_mode_calls_run_and_the_server_asks(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    assert (await visitor.command("mode", {"mode": "elicitation"})).status == 202
    assert (await stream.until("mode.changed"))["mode"] == "elicitation"
    assert (await visitor.command("mode", {"mode": "elicitation"})).status == 202
    await visitor.ask("Please generate a random number between 1 and 6")
    assert (await stream.until("tool.decided"))["by"] == "mode"
    asked = (await stream.until("elicitation.requested"))["elicitation"]
    assert asked["server"] == "Tools"
    content = {f["name"]: True for f in asked["fields"] if f["kind"] == "boolean"}
    path = f"elicitations/{asked['elicitation_id']}"
    assert (await visitor.command(path, {"action": "accept", "content": content})).status == 202
    assert (await stream.until("tool.done"))["status"] == "done"
    assert stream.names.count("mode.changed") == 1
    assert (await visitor.command("mode", {"mode": "automatic"})).status == 400


async def test_what_was_approved_here_is_not_asked_again_by_the_server(
    visitor: Visitor, stream: EventStream
) -> None:
    call = await _proposed(visitor, stream, "Please generate a random number between 1 and 6")
    await visitor.decide(call, "approve")
    assert (await stream.until("tool.done"))["status"] == "done"
    await stream.until("run.done")
    assert "elicitation.requested" not in stream.names


async def test_stopping_cancels_what_is_open_and_the_conversation_goes_on(
    visitor: Visitor, stream: EventStream, stack: Stack
) -> None:
    run = await visitor.ask("Run a marathon")
    call = (await stream.until("tool.proposed"))["call"]
    assert (await visitor.command(f"runs/{run}/stop")).status == 202
    decided = await stream.until("tool.decided")
    assert (decided["decision"], decided["by"]) == ("declined", "stop")
    assert (await stream.until("tool.done"))["status"] == "declined"
    assert (await stream.until("run.done"))["status"] == "stopped"
    assert (await visitor.decide(call, "approve")).status == 409
    await visitor.ask("hello")
    assert (await stream.until("run.done"))["status"] == "completed"


async def test_stopping_cancels_a_call_that_runs(visitor: Visitor, stream: EventStream, stack: Stack) -> None:
    call = await _proposed(visitor, stream)
    await visitor.decide(call, "approve")
    await stream.until("tool.progress")
    run = (await visitor.snapshot())["run"]["run_id"]
    assert (await visitor.command(f"runs/{run}/stop")).status == 202
    assert (await stream.until("tool.done"))["status"] == "cancelled"
    assert (await stream.until("run.done"))["status"] == "stopped"


async def test_regenerating_drops_the_last_answer_and_its_calls(
    visitor: Visitor, stream: EventStream
) -> None:
    first = await _proposed(visitor, stream)
    await visitor.decide(first, "decline")
    await stream.until("run.done")
    assert (await visitor.command("regenerate")).status == 202
    assert (await stream.until("run.started"))["trigger"] == "regenerate"
    second = (await stream.until("tool.proposed"))["call"]
    assert second["call_id"] != first["call_id"]
    assert [c["call_id"] for c in (await visitor.snapshot())["calls"]] == [second["call_id"]]
    assert (await visitor.decide(first, "approve")).status == 404


async def test_a_model_that_never_stops_calling_is_stopped(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    stack.playground.proceed.set()
    async with serve_web(max_rounds=1) as url:
        visitor = await visitors(url=url).sign_in()
        async with visitor.stream() as stream:
            await visitor.decide(await _proposed(visitor, stream), "approve")
            assert (await stream.until("run.done"))["status"] == "max_rounds"
