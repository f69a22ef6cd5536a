"""Calls that cannot be made as the model wrote them are answered to it, and not shown."""

import pytest
from tests.webclient.scripted_chat import ask_and_approve, function_named
from tests.webclient.scripted_model import ScriptedModel, calls
from tests.webclient.visitor import Visitor


@pytest.fixture
async def visitor(scripted_visitor: Visitor) -> Visitor:
    return scripted_visitor


ODD_CALLS = [
    ("a", "multi_tool_use.parallel", '{"tool_uses": []}'),
    ("a", "functions.Tools-now", "{}"),
    (None, "", "{}"),
    ("x" * 60, "no such tool", None),
]


async def test_calls_of_no_tool_are_answered_to_the_model_and_not_shown(
    visitor: Visitor, model: ScriptedModel
) -> None:
    model.turns.append(calls(*ODD_CALLS))
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        assert (await stream.until("run.done"))["status"] == "completed"
    assert "tool.proposed" not in stream.names
    told = [m["content"] for m in model.last if m["role"] == "tool"]
    assert len(told) == len(ODD_CALLS)
    assert "there is no tool 'multi_tool_use.parallel'" in told[0]
    ids = [c["id"] for m in model.last for c in m.get("tool_calls") or []]
    assert len(set(ids)) == len(ODD_CALLS)
    assert max(map(len, ids)) <= 40
    snapshot = await visitor.snapshot()
    assert [m["text"] for m in snapshot["messages"]] == ["hello", "Done."]
    assert snapshot["calls"] == []


TOO_DEEP = '{"min": ' + "[" * 191 + "]" * 191 + "}"


@pytest.mark.parametrize("arguments", ["[1]", "7", '"x"', "{", '{"min": NaN}', '{"min": 1', TOO_DEEP])
async def test_arguments_that_are_no_object_are_answered_to_the_model_and_not_shown(
    visitor: Visitor, model: ScriptedModel, arguments: str
) -> None:
    name = await function_named(visitor, model, "get_random_number")
    model.turns.append(calls(("a", name, arguments)))
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
    assert "tool.proposed" not in stream.names
    assert "this call was not made" in model.last[-1]["content"]
    assert [c["function"]["arguments"] for m in model.last for c in m.get("tool_calls") or []] == ["{}"]


@pytest.mark.parametrize("arguments", ["", None, "null", " ", "{}", "[]"])
async def test_no_arguments_are_none(visitor: Visitor, model: ScriptedModel, arguments: str | None) -> None:
    name = await function_named(visitor, model, "get_current_date_time")
    model.turns.append(calls(("a", name, arguments)))
    call, _ = await ask_and_approve(visitor)
    assert (call["arguments"], call["status"]) == ({}, "done")
    assert [c["function"]["arguments"] for m in model.last for c in m.get("tool_calls") or []] == ["{}"]


@pytest.mark.parametrize("arguments", ["", '{"min": 1'])
async def test_a_call_that_was_cut_off_is_not_made(
    visitor: Visitor, model: ScriptedModel, arguments: str
) -> None:
    name = await function_named(visitor, model, "get_random_number")
    model.turns.append(calls(("a", name, arguments), finish="length"))
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
    assert "tool.proposed" not in stream.names
    assert "cut off" in model.last[-1]["content"]


async def test_the_same_id_in_two_answers_is_made_another(visitor: Visitor, model: ScriptedModel) -> None:
    name = await function_named(visitor, model, "get_current_date_time")
    for _ in range(2):
        model.turns.append(calls(("same", name, "{}"), ("same", "unknown", "{}")))
        await ask_and_approve(visitor)
    made = [c["id"] for m in model.last for c in m.get("tool_calls") or []]
    answered = [m["tool_call_id"] for m in model.last if m["role"] == "tool"]
    assert len(set(made)) == 4
    assert sorted(made) == sorted(answered)
