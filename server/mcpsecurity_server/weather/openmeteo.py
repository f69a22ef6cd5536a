"""Open-Meteo through the library `open-meteo`.

Importing this module takes seconds: the library compiles a parser for each of its models. `WeatherService`
imports it in a thread.
"""

import datetime as dt
from collections.abc import Sequence
from typing import TypeVar

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

__all__ = ["OpenMeteoClient"]

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
_MAX_RESULTS = 20

T = TypeVar("T")


class OpenMeteoClient:
    """Queries Open-Meteo over `session`, which the caller closes. `timeout` is seconds for a request."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float) -> None:
        self._api = OpenMeteo(session=session, request_timeout=timeout)

    async def search(self, name: str) -> list[Place]:
        """Return places whose names begin like `name`, the most populous first. Raises `WeatherError`."""
        try:
            found = await self._api.geocoding(name=name, count=_MAX_RESULTS)
        except OpenMeteoError as error:
            raise _translated(error) from error
        places = [_place(result) for result in found.results or ()]
        return sorted(places, key=lambda place: -place.population)

    async def report(self, place: Place, days: int, start: dt.date | None) -> Report:
        """Return the weather at a place for some days from today or `start` on. Raises `WeatherError`."""
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
