"""A server's questions get to people, and their answers back, as MCP 2025-11-25 has them."""

# ruff: noqa: ARG002 - doubles keep the signatures of what they stand for

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from mcp import types

from mcpsecurity.elicitation import (
    Accepted,
    Cancelled,
    Declined,
    Expired,
    Form,
    Outcome,
    Visit,
    elicitation_callback,
)


class Person:
    """Answers with one outcome; without one, never."""

    def __init__(self, outcome: Outcome | None) -> None:
        self.outcome = outcome
        self.seen: list[tuple[str, str, Any]] = []

    async def _answer(self, *question: Any) -> Outcome:
        self.seen.append(question)
        if self.outcome is None:
            await asyncio.Event().wait()
        assert self.outcome is not None
        return self.outcome

    async def fill(self, server: str, message: str, form: Form) -> Outcome:
        return await self._answer(server, message, [field.name for field in form.fields])

    async def visit(self, server: str, message: str, visit: Visit) -> Outcome:
        return await self._answer(server, message, visit.url)

    async def approve(self, server: str, tool: types.Tool, arguments: Mapping[str, Any]) -> Outcome:
        raise AssertionError


FORM = types.ElicitRequestFormParams(
    message="Which?", requestedSchema={"type": "object", "properties": {"a": {"type": "string"}}}
)
URL = types.ElicitRequestURLParams(message="Pay", url="https://bank.example/pay", elicitationId="1")


async def answer(person: Person, params: types.ElicitRequestParams, deadline: float = 5) -> Any:
    callback = elicitation_callback(person, lambda: "Server", deadline=deadline)
    context: Any = None
    return await callback(context, params)


@pytest.mark.parametrize(
    ("outcome", "action", "content"),
    [
        (Accepted({"a": "x"}), "accept", {"a": "x"}),
        (Accepted(), "accept", {}),
        (Declined(), "decline", None),
        (Cancelled(), "cancel", None),
        (Expired(), "cancel", None),
    ],
)
async def test_a_forms_outcome_is_an_action(outcome: Outcome, action: str, content: Any) -> None:
    person = Person(outcome)
    result = await answer(person, FORM)
    assert (result.action, result.content) == (action, content)
    assert person.seen == [("Server", "Which?", ["a"])]


async def test_agreeing_to_an_address_carries_no_content() -> None:
    person = Person(Accepted({"stray": 1}))
    result = await answer(person, URL)
    assert (result.action, result.content) == ("accept", None)
    assert person.seen == [("Server", "Pay", "https://bank.example/pay")]


async def test_no_answer_in_time_is_a_cancel() -> None:
    assert (await answer(Person(None), FORM, deadline=0.01)).action == "cancel"


@pytest.mark.parametrize(
    "params",
    [
        types.ElicitRequestFormParams(message="m", requestedSchema={"properties": {"a": {"type": "object"}}}),
        types.ElicitRequestURLParams(message="m", url="javascript:alert(1)", elicitationId="1"),
    ],
)
async def test_what_must_not_be_shown_is_an_error_and_nobody_sees_it(
    params: types.ElicitRequestParams,
) -> None:
    person = Person(Accepted())
    result = await answer(person, params)
    assert isinstance(result, types.ErrorData)
    assert result.code == types.INVALID_PARAMS
    assert person.seen == []
