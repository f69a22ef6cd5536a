"""What the offline model makes of prompts: which tools, with which arguments, and what it says."""

import datetime as dt
import json
from typing import Any

import pytest

from mcpsecurity.approval import edited_note
from mcpsecurity.localcloud.openai.offline import read_tools, reply_to

TODAY = dt.date(2026, 11, 23)
NULL = {"type": "null"}


def tool(name: str, description: str, required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {
        "type": "function",
        "function": {"name": f"T-{name}", "description": description, "parameters": parameters},
    }


def text(**more: Any) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", **more}, NULL], "default": None}


INTEGER = {"type": "integer"}
OURS = [
    tool("get_random_number", "Generate a random integer between min and max.", min=INTEGER, max=INTEGER),
    tool(
        "get_random_number_from_date_time",
        "Generate a random number that is derived from a date and time.",
        datetime=text(),
    ),
    tool("get_current_date_time", "Get the current date and time, in UTC or a time zone.", time_zone=text()),
    tool("get_city_weather", "Get current weather and forecast for a city.", city=text()),
    tool(
        "plan_trip",
        "Plan a trip with a weather forecast for each day.",
        destination=text(),
        start_date=text(format="date"),
        end_date=text(format="date"),
        travellers={"anyOf": [INTEGER, NULL]},
        interests={"type": "array", "items": {"type": "string", "enum": ["art", "food", "hiking"]}},
    ),
    tool("who_am_i", "Say who is signed in."),
]
OTHERS = [
    tool("lookup_invoice", "Look up an invoice.", ("invoice_id",), invoice_id={"type": "string"}),
    tool(
        "convert_currency",
        "Convert an amount of money into another currency.",
        ("amount", "from_currency", "to_currency"),
        amount={"type": "number"},
        from_currency={"type": "string"},
        to_currency={"type": "string"},
    ),
    tool(
        "send_mail", "Send an e-mail.", ("to", "subject"), to={"type": "string"}, subject={"type": "string"}
    ),
    tool(
        "set_light",
        "Switch a light.",
        ("room",),
        room={"type": "string", "enum": ["kitchen", "hall"]},
        dimmed={"type": "boolean"},
    ),
]


def say(
    prompt: str, *later: dict[str, Any], tools: list[Any] | None = None, before: tuple[Any, ...] = ()
) -> Any:
    offered = read_tools({"tools": OURS if tools is None else tools})
    return reply_to([*before, {"role": "user", "content": prompt}, *later], offered, TODAY)


def called(reply: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(call.name.removeprefix("T-"), call.arguments) for call in reply.calls]


def done(reply: Any, *contents: str) -> list[dict[str, Any]]:
    """Return the messages that follow when the calls of a reply have these results."""
    calls = [
        {
            "id": f"c{i}-{c.name}-{id(reply)}",
            "function": {"name": c.name, "arguments": json.dumps(c.arguments)},
        }
        for i, c in enumerate(reply.calls)
    ]
    results = [
        {"role": "tool", "tool_call_id": c["id"], "content": r} for c, r in zip(calls, contents, strict=True)
    ]
    return [{"role": "assistant", "tool_calls": calls}, *results]


NUMBER, DATED, CLOCK, WEATHER = (
    "get_random_number", "get_random_number_from_date_time", "get_current_date_time", "get_city_weather"
)  # fmt: skip


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Please generate a random number between 1 and 6", [(NUMBER, {"min": 1, "max": 6})]),
        ("a random number from 10 to 20", [(NUMBER, {"min": 10, "max": 20})]),
        ("Give me a random number", [(NUMBER, {})]),
        ("random number up to 50", [(NUMBER, {"max": 50})]),
        ("I need a random number of at least 5", [(NUMBER, {"min": 5})]),
        ("Random number between -5 and 5", [(NUMBER, {"min": -5, "max": 5})]),
        ("roll a dice: random number 1-6", [(NUMBER, {"min": 1, "max": 6})]),
        ("Pick a random number between one and ten", [(NUMBER, {"min": 1, "max": 10})]),
        ("Generate 5 random numbers", [(NUMBER, {})] * 5),
        ("three random numbers between 1 and 3", [(NUMBER, {"min": 1, "max": 3})] * 3),
        ("Generate two random numbers between 1 and 50", [(NUMBER, {"min": 1, "max": 50})] * 2),
        ("Please generate a random number.", [(NUMBER, {})]),
        ("What is the weather in Zurich?", [(WEATHER, {"city": "Zurich"})]),
        ("what's the weather in zurich", [(WEATHER, {"city": "Zurich"})]),
        ("Weather in New York today", [(WEATHER, {"city": "New York"})]),
        ("Will it rain in São Paulo tomorrow?", [(WEATHER, {"city": "São Paulo"})]),
        ("How warm is it in Rio de Janeiro?", [(WEATHER, {"city": "Rio de Janeiro"})]),
        ("What is the weather in Springfield?", [(WEATHER, {"city": "Springfield"})]),
        ("weather in Zurich and Paris", [(WEATHER, {"city": "Zurich"}), (WEATHER, {"city": "Paris"})]),
        ("weather for Oslo, Rome and Bern", [(WEATHER, {"city": c}) for c in ("Oslo", "Rome", "Bern")]),
        ("What's the weather like?", [(WEATHER, {})]),
        ("What's the time in Tokyo?", [(CLOCK, {"time_zone": "Asia/Tokyo"})]),
        ("what's the time in tokyo", [(CLOCK, {"time_zone": "Asia/Tokyo"})]),
        ("What time is it in Europe/Zurich", [(CLOCK, {"time_zone": "Europe/Zurich"})]),
        ("What is the current date?", [(CLOCK, {})]),
        ("what time is it", [(CLOCK, {})]),
        ("Who am I?", [("who_am_i", {})]),
        ("Plan a trip to Rome", [("plan_trip", {"destination": "Rome"})]),
        (
            "Plan a trip to Lisbon from 2026-12-01 to 2026-12-05 for 2 travellers who like art and food",
            [("plan_trip", {"destination": "Lisbon", "start_date": "2026-12-01", "end_date": "2026-12-05",
                            "travellers": 2, "interests": ["art", "food"]})],
        ),
        ("Generate a random number based on 2024-02-29", [(DATED, {"datetime": "2024-02-29"})]),
        ("Generate a random number based on the current date", [(CLOCK, {})]),
    ],
)  # fmt: skip
def test_prompts_become_calls(prompt: str, expected: list[Any]) -> None:
    assert called(say(prompt)) == expected


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Look up invoice 4711", [("lookup_invoice", {"invoice_id": "4711"})]),
        ("Show me the invoice INV-2026-7 please", [("lookup_invoice", {"invoice_id": "INV-2026-7"})]),
        (
            "Convert 12.5 CHF to EUR",
            [("convert_currency", {"amount": 12.5, "from_currency": "CHF", "to_currency": "EUR"})],
        ),
        (
            "convert an amount of 100 USD into JPY",
            [("convert_currency", {"amount": 100, "from_currency": "USD", "to_currency": "JPY"})],
        ),
        (
            'Send a mail to bob@contoso.example about "Lunch"',
            [("send_mail", {"to": "bob@contoso.example", "subject": "Lunch"})],
        ),
        (
            "send an email to ada@example.org about the budget",
            [("send_mail", {"to": "ada@example.org", "subject": "the budget"})],
        ),
        ("Switch the light in the kitchen", [("set_light", {"room": "kitchen"})]),
        ("Set the hall light to dimmed", [("set_light", {"room": "hall", "dimmed": True})]),
    ],
)
def test_tools_that_nobody_here_wrote_are_used_as_well(prompt: str, expected: list[Any]) -> None:
    assert called(say(prompt, tools=OTHERS)) == expected


def test_a_third_number_comes_from_the_range_of_the_first_two() -> None:
    prompt = "Generate two random numbers between 1 and 50, then a third within the range of the first two"
    first = say(prompt)
    assert called(first) == [(NUMBER, {"min": 1, "max": 50})] * 2
    results = done(first, '{"result": 40}', '{"result": 7}')
    second = say(prompt, *results)
    assert called(second) == [(NUMBER, {"min": 7, "max": 40})]
    last = say(prompt, *results, *done(second, '{"result": 12}'))
    assert last.text == "Your random numbers are **40**, **7** and **12**."


def test_a_number_from_the_current_date_takes_two_steps() -> None:
    prompt = "Generate a random number based on the current date"
    first = say(prompt)
    results = done(first, '{"date_time": "2026-11-23T10:00:00+00:00", "time_zone": "UTC"}')
    assert called(say(prompt, *results)) == [(DATED, {"datetime": "2026-11-23T10:00:00+00:00"})]


def test_two_tools_are_asked_one_after_the_other() -> None:
    prompt = "What is the weather in Oslo and what is the time in Tokyo?"
    first = say(prompt)
    assert called(first)[0] == (WEATHER, {"city": "Oslo"})
    second = say(prompt, *done(first, *['{"city": "Oslo"}'] * len(first.calls)))
    assert called(second) == [(CLOCK, {"time_zone": "Asia/Tokyo"})]


def test_a_declined_call_is_said_to_be_declined() -> None:
    first = say("a random number")
    answer = say("a random number", *done(first, "The person declined this call."))
    assert "declined" in answer.text
    assert not answer.calls


def test_what_the_person_changed_in_a_call_is_what_the_answer_speaks_of() -> None:
    first = say("a random number between 1 and 6")
    answer = say("a random number between 1 and 6", *done(first, edited_note('{"min":10,"max":50}') + "41"))
    assert answer.text == "Your random number between 10 and 50 is **41**."
    refused = edited_note('{"min":6,"max":6}') + "Error: min must be below max"
    assert "min must be below max" in say("a random number", *done(first, refused)).text


def test_an_error_is_told_with_its_reason() -> None:
    first = say("a random number between 6 and 6")
    failed = "Error: Error executing tool get_random_number: min must be below max"
    answer = say("a random number between 6 and 6", *done(first, failed))
    assert "min must be below max" in answer.text


def test_after_a_declined_first_step_the_second_is_not_tried() -> None:
    prompt = "Generate two random numbers, then a third within the range of the first two"
    first = say(prompt)
    answer = say(prompt, *done(first, "The person declined this call.", '{"result": 7}'))
    assert not answer.calls
    assert "declined" in answer.text
    assert "**7**" in answer.text


def test_structured_results_are_shown_readably() -> None:
    first = say("weather in Bern")
    weather = {
        "city": "Bern",
        "temperature": 4.5,
        "daily": [{"date": "2026-11-23", "max": 6}, {"date": "2026-11-24", "max": 7}],
    }
    answer = say("weather in Bern", *done(first, json.dumps(weather)))
    assert answer.text.startswith("Here is the city weather: **Bern**")
    assert "- temperature 4.5" in answer.text, "the tool names no unit"
    assert "- **Tomorrow**: max 7" in answer.text


def test_units_come_from_the_words_of_the_tool_and_names_of_fields() -> None:
    boat = tool("get_boat", "Look at a boat. Speed in km/h, fuel (%).", harbour={"type": "string"})
    prompt = 'the boat "Ada"'
    seen = {"name": "Ada", "boat_speed": 12.5, "fuel": 40, "length_cm": 900, "id": "b-1", "crew": None}
    answer = say(prompt, *done(say(prompt, tools=[boat]), json.dumps(seen)), tools=[boat])
    assert answer.text == "Now in **Ada**: boat 12.5 km/h, fuel 40 %, length 900 cm."


ERASE = [tool("erase_files", "Erase files in a folder.", folder={"type": "string"})]


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ('{"result": 142}', "Done: 142 files erased."),
        ('{"result": 1}', "Done: 1 file erased."),
        ('{"result": true}', "Done: files erased."),
        ('{"result": "Nothing was there."}', "Done: Nothing was there."),
        ("The person declined this call.",
         "You declined the call of `erase_files`, so I did not erase any files."),
        ("The person declined this call. Their reason: not today",
         "You declined the call of `erase_files`, so I did not erase any files. Your reason: not today"),
        ("The person declined this call. Their reason: nobody answered in time",
         "Nobody approved the call of `erase_files` in time: it expired, so I did not erase any files."),
        ("The call was cancelled.",
         "The call of `erase_files` was cancelled, so I did not erase any files."),
        ("Error: The call of erase_files was cancelled: the user dismissed the question or did not answer.",
         "The call of `erase_files` was cancelled, so I did not erase any files."),
        ("Error: Error executing tool erase_files: the disk is full",
         "The tool `erase_files` reported a problem: the disk is full"),
    ],
)  # fmt: skip
def test_what_acts_is_told_as_done_or_as_not_done(content: str, answer: str) -> None:
    first = say("Erase the files", tools=ERASE)
    assert say("Erase the files", *done(first, content), tools=ERASE).text == answer


DEMOLISH = [tool("demolish_house", "Demolish the house.", street=text())]


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("The house is gone.", "Done: The house is gone."),
        ("The person declined this call.",
         "You declined the call of `demolish_house`, so I did not demolish the house."),
    ],
)  # fmt: skip
def test_a_verb_is_not_told_as_a_thing(content: str, answer: str) -> None:
    first = say("Demolish the house", tools=DEMOLISH)
    assert say("Demolish the house", *done(first, content), tools=DEMOLISH).text == answer


def test_a_picture_that_the_person_sees_is_not_told() -> None:
    draw = [tool("draw_square", "Draw a square.")]
    picture = "[image of type image/png, shown to the person]\nA small red square."
    assert say("Draw a square", *done(say("Draw a square", tools=draw), picture), tools=draw).text == (
        "A small red square."
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("between 1 and 6", {"min": 1, "max": 7}),
        ("up to 50", {"max": 51}),
        ("below 50", {"max": 50}),
        ("more than 5", {"min": 6}),
    ],
)
@pytest.mark.parametrize(
    ("described", "upper"),
    [
        ("Draw a random number from min (inclusive) to max (exclusive).", {"type": "integer"}),
        ("Draw a random number.", {"type": "integer", "description": "Upper limit, itself never drawn."}),
    ],
)
def test_an_upper_limit_that_is_not_drawn_is_one_more_than_what_a_person_says(
    said: str, expected: dict[str, int], described: str, upper: dict[str, Any]
) -> None:
    drawing = tool("get_random_number", described, min=INTEGER, max=upper)
    assert called(say(f"a random number {said}", tools=[drawing])) == [(NUMBER, expected)]


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("in 90 days", "2027-02-21", "2027-02-21"),
        ("next weekend", "2026-11-28", "2026-11-29"),
        ("next Friday", "2026-11-27", "2026-11-27"),
        ("next week", "2026-11-30", "2026-12-06"),
        ("from 1 December until Christmas", "2026-12-01", "2026-12-25"),
        ("from tomorrow for 3 days", "2026-11-24", "2026-11-26"),
        ("at Easter", "2027-03-28", "2027-03-28"),
        ("on 3.1.", "2027-01-03", "2027-01-03"),
        ("in two months", "2027-01-23", "2027-01-23"),
        ("the day after tomorrow", "2026-11-25", "2026-11-25"),
    ],
)
def test_days_are_understood_as_people_say_them(words: str, first: str, last: str) -> None:
    arguments = called(say(f"Plan a trip to Rome {words}"))[0][1]
    assert arguments["destination"] == "Rome"
    assert arguments["start_date"] == first
    assert arguments.get("end_date", first) == last


def test_the_calendar_is_known_without_a_tool() -> None:
    assert say("What date is in 90 days?", tools=[]).text == "That is **Sunday, 21 February 2027**."
    assert say("How many weeks until Christmas?", tools=[]).text == (
        "**4 weeks and 4 days** until Friday, 25 December 2026."
    )


def test_an_earlier_request_is_taken_up_again() -> None:
    before = (
        {"role": "user", "content": "What is the weather in Zurich?"},
        {"role": "assistant", "content": "Fine."},
    )
    assert called(say("and in Paris?", before=before)) == [(WEATHER, {"city": "Paris"})]
    assert called(say("What about Rome?", before=before)) == [(WEATHER, {"city": "Rome"})]
    before = (
        {"role": "user", "content": "a random number between 1 and 6"},
        {"role": "assistant", "content": "4"},
    )
    assert called(say("another one", before=before)) == [(NUMBER, {"min": 1, "max": 6})]


@pytest.mark.parametrize("prompt", ["Write me a poem", "What is love?", "Explain quantum physics"])
def test_what_it_cannot_do_it_says_plainly(prompt: str) -> None:
    reply = say(prompt)
    assert not reply.calls
    assert reply.text.startswith("I cannot do that.")


def test_it_lists_what_it_can_do() -> None:
    assert "city weather" in say("Hello!").text
    assert "no tools" in say("hi", tools=[]).text.lower()
    assert "no tools" in say("random number", tools=[]).text


def test_it_asks_for_what_a_tool_needs() -> None:
    assert say("Convert some currency", tools=OTHERS).text.startswith(
        "To use `convert_currency` I need to know: amount"
    )
