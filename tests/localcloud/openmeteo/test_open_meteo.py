"""The weather stand-in answers the library that the server uses, and refuses as the real service does."""

import datetime as dt
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mcpsecurity.localcloud.openmeteo import OpenMeteoFaults, add_open_meteo_routes
from mcpsecurity.localcloud.openmeteo.cities import cities, search
from mcpsecurity.localcloud.openmeteo.climate import day_at

NOW = dt.datetime(2026, 11, 23, 12, 7, tzinfo=dt.UTC)
Client = TestClient[web.Request, web.Application]


@pytest.fixture
def faults() -> OpenMeteoFaults:
    return OpenMeteoFaults()


@pytest.fixture
async def client(faults: OpenMeteoFaults) -> AsyncIterator[Client]:
    app = web.Application()
    add_open_meteo_routes(app, faults, now=lambda: NOW)
    async with TestClient(TestServer(app), timeout=aiohttp.ClientTimeout(60)) as client:
        yield client


async def test_a_city_is_found_with_and_without_its_accents(client: Client) -> None:
    for name in ("Zurich", "zürich", "ZÜRICH", "Zuri"):
        async with client.get("/v1/search", params={"name": name, "count": 1}) as response:
            body = await response.json()
        assert [(r["name"], r["country_code"]) for r in body["results"]] == [("Zurich", "CH")]


async def test_several_cities_of_a_name_come_with_the_largest_first(client: Client) -> None:
    async with client.get("/v1/search", params={"name": "Springfield"}) as response:
        found = [r["admin1"] for r in (await response.json())["results"]]
    assert found[:3] == ["Missouri", "Massachusetts", "Illinois"]


async def test_an_unknown_city_has_no_results_member(client: Client) -> None:
    async with client.get("/v1/search", params={"name": "Nowhereville"}) as response:
        assert "results" not in await response.json()


async def test_a_forecast_has_the_series_that_were_asked_for(client: Client) -> None:
    params = {
        "latitude": "47.37", "longitude": "8.55", "timezone": "Europe/Zurich", "forecast_days": "3",
        "current": "temperature_2m,weather_code", "daily": "temperature_2m_max,precipitation_sum",
        "hourly": "temperature_2m",
    }  # fmt: skip
    async with client.get("/v1/forecast", params=params) as response:
        body = await response.json()
    assert body["daily"]["time"] == ["2026-11-23", "2026-11-24", "2026-11-25"]
    assert body["current"]["time"] == "2026-11-23T13:00"
    assert len(body["daily"]["temperature_2m_max"]) == 3
    assert len(body["hourly"]["temperature_2m"]) == 72
    assert body["daily_units"]["precipitation_sum"] == "mm"


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v1/search", {}),
        ("/v1/search", {"name": "Bern", "count": "1000"}),
        ("/v1/forecast", {"latitude": "91", "longitude": "0"}),
        ("/v1/forecast", {"latitude": "1"}),
        ("/v1/forecast", {"latitude": "1", "longitude": "1", "timezone": "Nowhere/Land"}),
        ("/v1/forecast", {"latitude": "1", "longitude": "1", "forecast_days": "17"}),
        ("/v1/forecast", {"latitude": "1", "longitude": "1", "daily": "nonsense"}),
        (
            "/v1/forecast",
            {"latitude": "1", "longitude": "1", "start_date": "2020-01-01", "end_date": "2020-01-02"},
        ),
    ],
)
async def test_bad_parameters_are_refused_with_a_reason(
    client: Client, path: str, params: dict[str, str]
) -> None:
    async with client.get(path, params=params) as response:
        assert response.status == 400
        body = await response.json()
    assert body["error"] is True
    assert body["reason"]


async def test_the_service_can_be_down(client: Client, faults: OpenMeteoFaults) -> None:
    faults.down = True
    async with client.get("/v1/search", params={"name": "Bern"}) as response:
        assert response.status == 503


def test_there_are_two_hundred_cities_with_exact_names_first() -> None:
    assert len(cities()) >= 200
    assert search("Rio", 5)[0].name == "Rio de Janeiro"
    assert search("Köln", 1)[0].name == "Cologne"
    assert search("x", 5) == []


def test_weather_is_fixed_by_place_and_day_and_follows_the_seasons() -> None:
    winter, summer = dt.date(2026, 1, 15), dt.date(2026, 7, 15)
    assert day_at(47.4, 8.5, winter) == day_at(47.4, 8.5, winter)
    assert day_at(47.4, 8.5, winter).high < day_at(47.4, 8.5, summer).high
    assert day_at(-33.9, 18.4, winter).high > day_at(-33.9, 18.4, summer).high
    assert -40 < day_at(78.2, 15.6, winter).low < day_at(1.3, 103.9, winter).low < 40
