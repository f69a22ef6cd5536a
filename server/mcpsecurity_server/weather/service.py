"""Finds places and forecasts through the library `open-meteo`."""

import datetime as dt
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from types import TracebackType
from typing import Self, TypeVar
from unicodedata import combining, normalize

import aiohttp
from open_meteo import (
    DailyParameters,
    Forecast,
    HourlyParameters,
    OpenMeteo,
    OpenMeteoConnectionError,
    OpenMeteoError,
    OpenMeteoRateLimitError,
)
from open_meteo.models import GeocodingResult

from mcpsecurity_server.weather.models import DayForecast, Place, Report, WeatherError, describe

__all__ = ["MAX_DAYS", "WeatherService"]

MAX_DAYS = 16
_CURRENT = [
    HourlyParameters.TEMPERATURE_2M,
    HourlyParameters.RELATIVE_HUMIDITY_2M,
    HourlyParameters.WIND_SPEED_10M,
    HourlyParameters.WEATHER_CODE,
]
_DAILY = [
    DailyParameters.WEATHER_CODE,
    DailyParameters.TEMPERATURE_2M_MAX,
    DailyParameters.TEMPERATURE_2M_MIN,
    DailyParameters.PRECIPITATION_SUM,
]
_SUGGESTIONS = 3

T = TypeVar("T")


class WeatherService:
    """Use it inside `async with`. `open_session` makes the HTTP session, `weather_session` for example."""

    def __init__(self, open_session: Callable[[], aiohttp.ClientSession], *, timeout: float = 10.0) -> None:
        self._open_session = open_session
        self._api = OpenMeteo(request_timeout=timeout)

    async def __aenter__(self) -> Self:
        self._api.session = self._open_session()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session, self._api.session = self._api.session, None
        if session is not None:
            await session.close()

    async def places(self, name: str) -> list[Place]:
        """Return the places of that name, the most populous first; empty if there is none.

        A place known by that name in another language counts if none has it as its own ("Köln"). A qualifier
        after a comma narrows the search down: "Paris, Texas".

        Raises:
            WeatherError: the service failed.
        """
        city, *qualifiers = [part.strip() for part in name.split(",")]
        near = await self._search(city)
        near = [place for place in near if all(_qualifies(place, text) for text in qualifiers if text)]
        return [place for place in near if _plain(place.name) == _plain(city)] or near[:1]

    async def suggestions(self, name: str) -> list[Place]:
        """Return places whose names resemble `name`, the closest first.

        Raises:
            WeatherError: the service failed.
        """
        city = name.partition(",")[0].strip()
        for length in (len(city), 5, 4, 3):
            near = await self._search(city[:length]) if 2 < length <= len(city) else []
            if near:
                near.sort(key=lambda place: (-_likeness(place.name, city), -place.population))
                return near[:_SUGGESTIONS]
        return []

    async def report(self, place: Place, *, days: int = 7, start: dt.date | None = None) -> Report:
        """Return the weather at a place for 1 to `MAX_DAYS` days, from today or from `start` on.

        Raises:
            WeatherError: the service failed, or does not cover these days.
        """
        end = start + dt.timedelta(days=days - 1) if start else None
        try:
            forecast = await self._api.forecast(
                latitude=place.latitude,
                longitude=place.longitude,
                timezone=place.time_zone,
                current=_CURRENT,
                daily=_DAILY,
                forecast_days=None if start else days,
                start_date=start,
                end_date=end,
            )
        except OpenMeteoError as error:
            raise _translated(error) from error
        return _report(forecast)

    async def _search(self, name: str) -> list[Place]:
        try:
            found = await self._api.geocoding(name=name, count=20)
        except OpenMeteoError as error:
            raise _translated(error) from error
        places = [_place(result) for result in found.results or ()]
        return sorted(places, key=lambda place: -place.population)


def _translated(error: OpenMeteoError) -> WeatherError:
    if isinstance(error, OpenMeteoRateLimitError):
        return WeatherError("The weather service has had too many requests; try again in a minute.")
    if isinstance(error, OpenMeteoConnectionError):
        return WeatherError("The weather service cannot be reached; try again later.")
    return WeatherError("The weather service could not answer this request.")


def _place(found: GeocodingResult) -> Place:
    return Place(
        name=found.name,
        region=found.admin1,
        country=found.country,
        country_code=found.country_code,
        latitude=found.latitude,
        longitude=found.longitude,
        time_zone=found.timezone,
        population=found.population or 0,
    )


def _report(forecast: Forecast) -> Report:
    now, daily = forecast.current, forecast.daily
    days: list[DayForecast] = []
    if daily is not None:
        count = len(daily.time)
        columns = zip(
            daily.time,
            _column(daily.temperature_2m_min, count),
            _column(daily.temperature_2m_max, count),
            _column(daily.precipitation_sum, count),
            _column(daily.weather_code, count),
            strict=True,
        )
        days = [DayForecast(day, low, high, rain, describe(code)) for day, low, high, rain, code in columns]
    return Report(
        temperature=now.temperature_2m if now else None,
        humidity=now.relative_humidity_2m if now else None,
        wind_speed=now.wind_speed_10m if now else None,
        condition=describe(now.weather_code if now else None),
        days=tuple(days),
    )


def _column(values: Sequence[T | None] | None, count: int) -> Sequence[T | None]:
    """Return the values, or as many blanks if the service left them out."""
    return values if values is not None and len(values) == count else [None] * count


def _qualifies(place: Place, text: str) -> bool:
    fields = (place.region, place.country, place.country_code)
    return any(field is not None and _plain(field) == _plain(text) for field in fields)


def _likeness(name: str, wanted: str) -> float:
    return SequenceMatcher(None, _plain(name), _plain(wanted)).ratio()


def _plain(text: str) -> str:
    """Return the text without case and accents: Zürich is zurich."""
    return "".join(char for char in normalize("NFKD", text.casefold()) if not combining(char))
