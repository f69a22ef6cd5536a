"""The weather tool: which place is meant, the forecast, and a service that fails."""

import pytest
from tests.server.conftest import CANCEL, Connect, Person, accept, text_of
from tests.server.meteo import ControlledMeteo

from mcpsecurity_server.weather.models import describe


async def test_the_weather_has_series_to_draw(connect: Connect, meteo: ControlledMeteo) -> None:
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": "Zurich"})
    weather = result.structuredContent
    assert weather is not None
    assert weather["place"] == "Zurich, Switzerland"
    assert (weather["temperature"], weather["condition"]) == (21.5, "partly cloudy")
    assert len(weather["daily"]) == 7
    assert weather["daily"][0] == {
        "date": "2026-06-01",
        "temperature_min": 12.0,
        "temperature_max": 23.0,
        "precipitation": 1.5,
        "condition": "light rain",
    }
    assert meteo.queries[0]["timezone"] == "Europe/Zurich"


async def test_requests_go_to_the_configured_host_and_name_it(
    connect: Connect, meteo: ControlledMeteo
) -> None:
    async with connect() as session:
        await session.call_tool("get_city_weather", {"city": "Zurich"})
    assert meteo.hosts == [meteo.url.removeprefix("http://")]


async def test_a_city_that_is_clearly_larger_is_the_one_that_is_meant(connect: Connect) -> None:
    async with connect(Person(accept(approve=True))) as session:
        result = await session.call_tool("get_city_weather", {"city": "paris"})
    assert result.structuredContent is not None
    assert result.structuredContent["place"] == "Paris, Île-de-France, France"


@pytest.mark.parametrize("city", ["Paris, Texas", "Paris,us", "PARIS , united states"])
async def test_a_qualifier_narrows_the_search(connect: Connect, city: str) -> None:
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": city})
    assert result.structuredContent is not None
    assert result.structuredContent["place"] == "Paris, Texas, United States"


async def test_a_name_in_another_language_is_understood(connect: Connect) -> None:
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": "Köln"})
    assert result.structuredContent is not None
    assert result.structuredContent["place"] == "Cologne, North Rhine-Westphalia, Germany"


async def test_without_a_city_the_person_is_asked_once(connect: Connect) -> None:
    person = Person(accept(city="Zurich"))
    async with connect(person) as session:
        result = await session.call_tool("get_city_weather", {})
    assert not result.isError
    assert [asked.requestedSchema["properties"]["city"]["title"] for asked in person.asked] == ["City"]


async def test_of_several_places_the_person_chooses_by_title(connect: Connect) -> None:
    person = Person(accept(approve=True), accept(place="Springfield, Illinois, United States"))
    async with connect(person) as session:
        result = await session.call_tool("get_city_weather", {"city": "Springfield"})
    assert result.structuredContent is not None
    assert result.structuredContent["place"] == "Springfield, Illinois, United States"
    options = person.asked[1].requestedSchema["properties"]["place"]["oneOf"]
    assert {option["title"] for option in options} == {
        "Springfield, Missouri, United States",
        "Springfield, Massachusetts, United States",
        "Springfield, Illinois, United States",
    }


async def test_a_place_that_was_not_offered_is_refused(connect: Connect) -> None:
    async with connect(Person(accept(approve=True), accept(place="Atlantis"))) as session:
        result = await session.call_tool("get_city_weather", {"city": "Springfield"})
    assert result.isError
    assert "none of the places offered" in text_of(result)


async def test_choosing_no_place_cancels_the_call(connect: Connect, meteo: ControlledMeteo) -> None:
    async with connect(Person(accept(approve=True), CANCEL)) as session:
        result = await session.call_tool("get_city_weather", {"city": "Springfield"})
    assert "was cancelled" in text_of(result)
    assert meteo.queries == []


async def test_a_client_that_cannot_ask_gets_the_largest_and_the_names_of_the_others(
    connect: Connect,
) -> None:
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": "Springfield"})
    assert result.structuredContent is not None
    assert result.structuredContent["place"] == "Springfield, Missouri, United States"
    assert len(result.structuredContent["other_matches"]) == 2


@pytest.mark.parametrize(("status", "text"), [(429, "too many requests"), (500, "could not answer")])
async def test_a_failing_service_is_a_tool_error_without_details(
    connect: Connect, meteo: ControlledMeteo, status: int, text: str
) -> None:
    meteo.status = status
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": "Zurich"})
    assert result.isError
    assert text in text_of(result)
    assert "told to" not in text_of(result)


async def test_an_unknown_weather_code_is_no_failure() -> None:
    assert describe(1234) == "unknown"
    assert describe(None) == "unknown"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"<html>",
        b'{"results": 5}',
        b'{"results": [{"name": "Zurich"}]}',
        b" " * 2**21 + b"{}",
    ],
    ids=["nothing", "null", "a list", "a page", "a number", "no coordinates", "too much"],
)
async def test_an_answer_that_cannot_be_used_is_said_to_be_none(
    connect: Connect, meteo: ControlledMeteo, body: bytes
) -> None:
    meteo.body = body
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": "Zurich"})
    assert result.isError
    assert "The weather service could not answer this request." in text_of(result)


async def test_a_place_without_a_time_zone_or_a_country_is_found(
    connect: Connect, meteo: ControlledMeteo
) -> None:
    meteo.body = (
        b'{"results": [{"id": 1, "name": "Nowhere", "latitude": 1.5, "longitude": 2, "population": null}]}'
    )
    async with connect() as session:
        result = await session.call_tool("get_city_weather", {"city": "Nowhere"})
    assert not result.isError
    assert meteo.queries[0]["timezone"] == "auto"
