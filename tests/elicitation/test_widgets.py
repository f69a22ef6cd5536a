"""Forms in a notebook hold what was asked for, say what does not fit, and send exact values."""

import asyncio
from typing import Any

import pytest
from mcp import types

from mcpsecurity.elicitation import Accepted, Declined, Outcome, parse_form, parse_visit
from mcpsecurity.elicitation.widgets import OpenQuestion, WidgetHandler

SCHEMA = {
    "properties": {
        "city": {"type": "string", "title": "<b>City</b>", "minLength": 2},
        "days": {"type": "integer", "default": 3},
        "unit": {"type": "string", "enum": ["C", "F"]},
        "parts": {"type": "array", "items": {"enum": ["wind", "rain"]}},
        "alerts": {"type": "boolean"},
    },
    "required": ["city"],
}


async def opened(asker: WidgetHandler) -> OpenQuestion:
    async with asyncio.timeout(30):
        while not asker.open:  # noqa: ASYNC110 - it is a list, as a notebook sees it
            await asyncio.sleep(0)
    return asker.open[-1]


def buttons(question: OpenQuestion) -> dict[str, Any]:
    return {button.description: button for button in question.view.children[-1].children}


async def ask(question: Any) -> tuple[asyncio.Task[Outcome], OpenQuestion]:
    asker = WidgetHandler()
    task = asyncio.ensure_future(question(asker))
    return task, await opened(asker)


async def test_a_filled_form_is_sent_with_exact_types() -> None:
    task, form = await ask(lambda asker: asker.fill("Weather", "Where?", parse_form(SCHEMA)))
    form.fill(city="Zurich", days="2", unit="F", parts=("rain",), alerts=False)
    buttons(form)["Submit"].click()
    assert await task == Accepted(
        {"city": "Zurich", "days": 2, "unit": "F", "parts": ["rain"], "alerts": False}
    )
    assert all(button.disabled for button in buttons(form).values())


async def test_untouched_fields_send_their_defaults_or_nothing() -> None:
    task, form = await ask(lambda asker: asker.fill("Weather", "Where?", parse_form(SCHEMA)))
    form.fill(city="Zurich")
    form.submit()
    assert await task == Accepted({"city": "Zurich", "days": 3})


async def test_what_does_not_fit_is_said_at_its_field_and_the_form_stays_open() -> None:
    task, form = await ask(lambda asker: asker.fill("Weather", "Where?", parse_form(SCHEMA)))
    form.fill(city="", days="many")
    form.submit()
    assert not task.done()
    assert set(form.problems) == {"city", "days"}
    form.fill(city="Zurich", days="")
    form.submit()
    assert await task == Accepted({"city": "Zurich"})


async def test_markup_from_a_server_stays_text() -> None:
    evil = "<img src=x onerror=alert(1)>"
    task, form = await ask(lambda asker: asker.fill(evil, evil, parse_form({})))
    assert evil not in form.view.children[0].value
    assert "&lt;img" in form.view.children[0].value
    form.decline()
    assert await task == Declined()


async def test_an_address_is_shown_in_full_and_never_opened() -> None:
    visit = parse_visit("http://bank.example/a?b=<c>")
    task, question = await ask(lambda asker: asker.visit("Bank", "Pay", visit))
    heading = question.view.children[0].value
    assert "http://bank.example/a?b=" in heading
    assert "Beware" in heading
    buttons(question)["Show the link"].click()
    assert isinstance(await task, Accepted)


async def test_a_call_can_be_edited_within_its_schema() -> None:
    schema = {"type": "object", "properties": {"sides": {"type": "integer"}}, "required": ["sides"]}
    tool = types.Tool(name="roll", inputSchema=schema)
    task, question = await ask(lambda asker: asker.approve("Dice", tool, {"sides": 6}))
    for wrong in ("{", "[]", '{"sides": "six"}'):
        question.fill(arguments=wrong)
        question.submit()
        assert "arguments" in question.problems
    question.fill(arguments='{"sides": 20}')
    buttons(question)["Approve"].click()
    assert await task == Accepted({"sides": 20})


@pytest.mark.parametrize("button", ["Decline", "Cancel"])
async def test_no_is_no(button: str) -> None:
    task, question = await ask(lambda asker: asker.fill("S", "m", parse_form({})))
    buttons(question)[button].click()
    assert not isinstance(await task, Accepted)
