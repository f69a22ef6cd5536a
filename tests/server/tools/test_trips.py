"""`plan_trip`: one form for missing arguments, progress, and a forecast for each day."""

from typing import Any

import pytest
from mcp import types
from tests.server.conftest import CANCEL, DECLINE, Connect, Person, accept, text_of
from tests.server.meteo import ControlledMeteo

TRIP = {
    "destination": "Zurich",
    "start_date": "2026-06-03",
    "end_date": "2026-06-05",
    "travellers": 2,
    "interests": ["museums", "nature"],
}


async def test_missing_arguments_are_asked_for_in_one_form(connect: Connect) -> None:
    person = Person(accept(end_date="2026-06-04", travellers=3, interests=["food"]))
    async with connect(person) as session:
        result = await session.call_tool("plan_trip", {"destination": "Zurich", "start_date": "2026-06-03"})
    (asked,) = person.asked
    fields = asked.requestedSchema["properties"]
    assert list(fields) == ["end_date", "travellers", "interests"]
    assert asked.requestedSchema["required"] == ["end_date", "travellers", "interests"]
    assert fields["end_date"]["format"] == "date"
    assert (fields["travellers"]["minimum"], fields["travellers"]["maximum"]) == (1, 20)
    assert fields["interests"]["items"]["anyOf"][0] == {"const": "sightseeing", "title": "Sightseeing"}
    assert "destination = Zurich" in asked.message
    assert "known for 16 days from today on" in asked.message
    assert asked.message.endswith("Please fill in the rest.")
    assert result.structuredContent is not None
    assert result.structuredContent["travellers"] == 3


@pytest.mark.parametrize(
    "days", [("2026-06-03", "2026-07-30"), ("2026-06-05", "2026-06-03"), ("soon", "later")]
)
async def test_days_that_do_not_fit_are_asked_for_again_and_nothing_else(
    connect: Connect, days: tuple[str, str]
) -> None:
    first, last = days
    person = Person(
        accept(destination="Zurich", start_date=first, end_date=last, travellers=3, interests=["food"]),
        accept(start_date="2026-06-03", end_date="2026-06-04"),
    )
    async with connect(person) as session:
        result = await session.call_tool("plan_trip", {})
    form, again = person.asked
    assert form.message.endswith("Please fill in the form.")
    assert again.message.startswith(f"{first} to {last} does not fit")
    assert list(again.requestedSchema["properties"]) == ["start_date", "end_date"]
    plan = result.structuredContent
    assert plan is not None
    assert (plan["start_date"], plan["end_date"], plan["travellers"]) == ("2026-06-03", "2026-06-04", 3)


async def test_days_that_do_not_fit_twice_are_a_tool_error(connect: Connect) -> None:
    bad = accept(start_date="2026-06-03", end_date="2026-07-30")
    person = Person(bad, bad)
    async with connect(person) as session:
        result = await session.call_tool("plan_trip", {**TRIP, "start_date": None, "end_date": None})
    assert len(person.asked) == 2
    assert "known from 2026-06-01 to 2026-06-16" in text_of(result)


async def test_a_complete_trip_is_approved_and_has_a_forecast_and_an_idea_for_each_day(
    connect: Connect, meteo: ControlledMeteo
) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    person = Person(accept(approve=True))
    async with connect(person) as session:
        result = await session.call_tool("plan_trip", TRIP, progress_callback=report)
    assert "from 2026-06-03 to 2026-06-05 for 2" in person.asked[0].message
    plan = result.structuredContent
    assert plan is not None
    assert plan["destination"] == "Zurich, Switzerland"
    assert [day["date"] for day in plan["daily"]] == ["2026-06-03", "2026-06-04", "2026-06-05"]
    assert plan["daily"][0]["temperature_max"] == 23.0
    assert plan["daily"][0]["idea"] == "hike or visit a park", "1.5 mm is no reason to stay inside"
    assert (meteo.queries[0]["start_date"], meteo.queries[0]["end_date"]) == ("2026-06-03", "2026-06-05")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[-1] == (5, 5, "Done")


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"start_date": "soon"}, "start_date 'soon' is not a date"),
        ({"end_date": "2026-06-02"}, "is before the first day"),
        ({"end_date": "2026-07-01"}, "known from 2026-06-01 to 2026-06-16"),
        ({"start_date": "2026-05-31"}, "known from 2026-06-01"),
        ({"interests": ["sleeping"]}, "Input should be"),
        ({"travellers": 0}, "greater than or equal to 1"),
        ({"destination": "Qqqq"}, "There is no city named 'Qqqq'"),
        ({"destination": None, "interests": []}, "Still missing: destination, interests"),
    ],
)
async def test_bad_wishes_are_tool_errors_that_say_what_to_change(
    connect: Connect, change: dict[str, Any], advice: str
) -> None:
    async with connect() as session:
        result = await session.call_tool("plan_trip", TRIP | change)
    assert result.isError
    assert advice in text_of(result)


@pytest.mark.parametrize(("answer", "text"), [(DECLINE, "declined"), (CANCEL, "cancelled")])
async def test_no_answer_is_no_trip(
    connect: Connect, meteo: ControlledMeteo, answer: types.ElicitResult, text: str
) -> None:
    async with connect(Person(answer)) as session:
        result = await session.call_tool("plan_trip", {})
    assert text in text_of(result)
    assert meteo.queries == []


async def test_rain_leads_indoors(connect: Connect, meteo: ControlledMeteo) -> None:
    meteo.precipitation = 9.0
    async with connect() as session:
        result = await session.call_tool("plan_trip", TRIP)
        only_outdoors = await session.call_tool("plan_trip", TRIP | {"interests": ["sports"]})
    assert result.structuredContent is not None
    assert {day["idea"] for day in result.structuredContent["daily"]} == {"visit a museum"}
    assert only_outdoors.structuredContent is not None
    assert only_outdoors.structuredContent["daily"][0]["idea"].startswith("rent a bike")


async def test_a_weather_service_that_fails_is_a_tool_error(connect: Connect, meteo: ControlledMeteo) -> None:
    meteo.status = 500
    async with connect() as session:
        result = await session.call_tool("plan_trip", TRIP)
    assert "could not answer" in text_of(result)
