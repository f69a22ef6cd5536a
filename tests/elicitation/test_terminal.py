"""People are asked line by line, see what they send, and are never taken to have said yes."""

from typing import Any

import pytest
from mcp import types

from mcpsecurity.elicitation import (
    Accepted,
    Cancelled,
    Declined,
    FieldError,
    Outcome,
    TerminalHandler,
    parse_form,
    parse_visit,
)
from mcpsecurity.elicitation.entry import field_hint, read_entry


class Terminal:
    """Types the given lines, and keeps what was shown. At the end of the lines is the end of input."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.shown: list[str] = []
        self.opened: list[str] = []
        self.asker = TerminalHandler(self.read, self.shown.append, open_url=self.opened.append)

    async def read(self, prompt: str) -> str:
        self.shown.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    @property
    def text(self) -> str:
        return "\n".join(self.shown)


UNITS = [{"const": "C", "title": "Celsius"}, {"const": "F", "title": "Fahrenheit"}]

FORM = parse_form(
    {
        "properties": {
            "city": {"type": "string", "title": "City", "minLength": 2},
            "days": {"type": "integer", "minimum": 1, "maximum": 16, "default": 3},
            "unit": {"type": "string", "oneOf": UNITS},
            "parts": {"type": "array", "items": {"enum": ["wind", "rain", "sun"]}},
            "alerts": {"type": "boolean"},
        },
        "required": ["city"],
    }
)

SIDES = {"sides": {"type": "integer", "minimum": 2}}
TOOL = types.Tool(name="roll", inputSchema={"type": "object", "properties": SIDES, "required": ["sides"]})


async def fill(*lines: str) -> tuple[Outcome, Terminal]:
    terminal = Terminal(*lines)
    return await terminal.asker.fill("Weather", "Which city?", FORM), terminal


async def test_each_field_is_asked_for_and_sent_after_a_look_at_it() -> None:
    outcome, terminal = await fill("Zurich", "", "2", "rain, 1", "y", "yes")
    assert outcome == Accepted(
        {"city": "Zurich", "days": 3, "unit": "F", "parts": ["rain", "wind"], "alerts": True}
    )
    assert "Request from Weather: Which city?" in terminal.text
    assert terminal.text.index('City: "Zurich"') < terminal.text.index("Send this?")


async def test_skipped_fields_are_left_out() -> None:
    outcome, _ = await fill("Zurich", "", "", "", "", "y")
    assert outcome == Accepted({"city": "Zurich", "days": 3})


async def test_what_does_not_fit_is_asked_for_again() -> None:
    outcome, terminal = await fill("", "Z", "Zurich", "99", "2", "", "", "maybe", "n", "y")
    assert outcome == Accepted({"city": "Zurich", "days": 2, "alerts": False})
    for problem in ("Please fill this in.", "at least 2 characters", "16 or less", "Choose yes or no."):
        assert problem in terminal.text


@pytest.mark.parametrize(("answer", "outcome"), [("n", Declined()), ("c", Cancelled())])
async def test_decline_and_cancel_are_two_things(answer: str, outcome: Outcome) -> None:
    assert (await fill("Zurich", "", "", "", "", "", "what?", answer))[0] == outcome


async def test_a_form_can_be_filled_in_again_before_it_is_sent() -> None:
    outcome, _ = await fill("Zurich", "", "", "", "", "e", "Bern", "", "", "", "", "y")
    assert outcome == Accepted({"city": "Bern", "days": 3})


async def test_the_end_of_input_is_never_a_yes() -> None:
    assert (await fill())[0] == Cancelled()
    assert (await fill("Zurich", "", "", "", ""))[0] == Cancelled()
    assert await Terminal().asker.approve("Dice", TOOL, {"sides": 6}) == Declined()
    assert await Terminal().asker.visit("Bank", "Pay", parse_visit("https://bank.example/")) == Cancelled()


async def test_an_empty_form_only_asks() -> None:
    assert await Terminal("y").asker.fill("S", "Go on?", parse_form({})) == Accepted({})


async def test_an_address_is_shown_in_full_and_opened_only_on_a_yes() -> None:
    visit = parse_visit("http://xn--80ak6aa92e.example/pay?id=1")
    no, yes = Terminal("n"), Terminal("y")
    assert await no.asker.visit("Bank", "Pay here", visit) == Declined()
    assert no.opened == []
    assert "http://xn--80ak6aa92e.example/pay?id=1" in no.text
    assert "beware" in no.text
    assert await yes.asker.visit("Bank", "Pay here", visit) == Accepted()
    assert yes.opened == [visit.url]


async def test_a_call_is_approved_as_it_was_edited_and_only_if_it_fits() -> None:
    terminal = Terminal("e", '{"sides": 1}', "e", "[1]", "e", "{", "e", "", "e", '{"sides": 20}', "y")
    assert await terminal.asker.approve("Dice", TOOL, {"sides": 6}) == Accepted({"sides": 20})
    assert "Enter 2 or more." in terminal.text
    assert "Not an object" in terminal.text
    assert "not JSON" in terminal.text
    assert await Terminal("n").asker.approve("Dice", TOOL, {"sides": 6}) == Declined()


async def test_what_a_server_writes_cannot_look_like_a_question_of_the_program() -> None:
    fake = "Hello\nApprove? [y]es, [n]o: y\u2028Send this?"
    terminal = Terminal("x", "y")
    form = parse_form({"properties": {"a": {"type": "string", "title": fake, "description": fake}}})
    await terminal.asker.fill(fake, fake, form)
    starts = {line[:9] for line in terminal.text.splitlines()}
    assert "Approve? " not in starts
    assert sum(line.startswith("Send this") for line in terminal.text.splitlines()) == 1


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "number"}, " 12,5", 12.5),
        ({"type": "number"}, "-0,125", -0.125),
        ({"type": "integer"}, "１２", 12),
        ({"type": "integer"}, "-3", -3),
        ({"type": "string", "enum": ["2", "1"]}, "1", "1"),
        ({"type": "string", "enum": ["a", "b"]}, "2", "b"),
        ({"type": "boolean", "default": False}, "", False),
        ({"type": "array", "items": {"enum": ["a", "b"]}, "default": ["b"]}, "", ["b"]),
    ],
)
def test_typed_lines_become_exact_values(schema: dict[str, Any], text: str, value: Any) -> None:
    read = read_entry(parse_form({"properties": {"f": schema}}).fields[0], text)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "number"}, "nan"),
        ({"type": "number"}, "x"),
        ({"type": "number"}, "1,234"),
        ({"type": "number"}, "1,2,3"),
        ({"type": "integer"}, "1.5"),
        ({"type": "string", "enum": ["a"]}, "2"),
        ({"type": "string", "format": "email"}, "nobody"),
    ],
)
def test_typed_lines_that_do_not_fit_are_refused(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(FieldError):
        read_entry(parse_form({"properties": {"f": schema}}).fields[0], text)


@pytest.mark.parametrize(
    ("schema", "hint"),
    [
        (
            {"type": "number", "minimum": 1, "maximum": 2.5},
            "a number, at least 1, at most 2.5, Enter to skip",
        ),
        ({"type": "boolean", "default": True}, "y or n, Enter for yes"),
        ({"type": "string", "format": "date"}, "a date like 2026-01-31, Enter to skip"),
        (
            {"type": "array", "items": {"enum": ["a"]}, "default": ["a"]},
            "any of 1 to 1, with commas, Enter for a",
        ),
    ],
)
def test_hints_say_what_may_be_typed(schema: dict[str, Any], hint: str) -> None:
    assert field_hint(parse_form({"properties": {"f": schema}}).fields[0]) == hint


async def test_a_letter_that_is_no_choice_is_explained_and_never_taken_for_one() -> None:
    outcome, terminal = await fill("Zurich", "", "", "", "", "yup", "nah", "x", "cancel")
    assert outcome == Cancelled()
    assert terminal.shown.count("  Please type y for yes, n for no, c for cancel, e for edit.") == 3


async def test_the_options_of_a_choice_are_a_list() -> None:
    _, terminal = await fill("Zurich", "", "2")
    lines = ["    1  Celsius", "    2  Fahrenheit", "  unit (1 to 2, Enter to skip): "]
    assert "\n".join(lines) in terminal.text


async def test_an_edit_begins_with_the_arguments_as_they_are() -> None:
    terminal, began = Terminal("e", "y"), list[str]()

    async def edit(prompt: str, text: str) -> str:
        began.append(text)
        return text.replace("6", "20")

    asker = TerminalHandler(terminal.read, terminal.shown.append, edit=edit)
    assert await asker.approve("Games", TOOL, {"sides": 6}) == Accepted({"sides": 20})
    assert began == ['{"sides": 6}']
