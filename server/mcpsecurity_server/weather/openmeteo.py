"""Open-Meteo: two GETs, whose answers pydantic reads.

https://open-meteo.com/en/docs and https://open-meteo.com/en/docs/geocoding-api
"""

import datetime as dt
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, TypeVar

import aiohttp
from aiohttp import hdrs
from pydantic import BaseModel, ValidationError

from mcpsecurity.runtime.proxy import proxy_for
from mcpsecurity_server.weather.models import DayForecast, Place, Report, WeatherError, describe

MAX_DAYS = 16
_CURRENT: Final = "temperature_2m,relative_humidity_2m,wind_speed_10m,weather_code"
_DAILY: Final = "weather_code,temperature_2m_max,temperature_2m_min,precipitation_sum"
_MAX_RESULTS: Final = 20
_MAX_BYTES: Final = 2**20
_CONNECTIONS: Final = 20

Model = TypeVar("Model", bound=BaseModel)
T = TypeVar("T")


class _City(BaseModel):
    name: str
    latitude: float
    longitude: float
    timezone: str = "auto"
    admin1: str | None = None
    country: str | None = None
    country_code: str | None = None
    population: int | None = None


class _Cities(BaseModel):
    results: tuple[_City, ...] | None = None


class _Now(BaseModel):
    temperature_2m: float | None = None
    relative_humidity_2m: float | None = None
    wind_speed_10m: float | None = None
    weather_code: float | None = None


class _Daily(BaseModel):
    time: tuple[dt.date, ...]
    temperature_2m_min: tuple[float | None, ...] = ()
    temperature_2m_max: tuple[float | None, ...] = ()
    precipitation_sum: tuple[float | None, ...] = ()
    weather_code: tuple[float | None, ...] = ()


class _Forecast(BaseModel):
    current: _Now | None = None
    daily: _Daily | None = None


class OpenMeteoClient:
    """Queries Open-Meteo. Use it inside `async with`.

    Args:
        forecast_url: origin of the forecast API.
        geocoding_url: origin of the geocoding API.
        tls: the TLS context, with the certificate authorities to trust.
        timeout: seconds for a request.
    """

    def __init__(
        self, forecast_url: str, geocoding_url: str, tls: ssl.SSLContext, *, timeout: float = 10.0
    ) -> None:
        self._forecast_url = f"{forecast_url}/v1/forecast"
        self._search_url = f"{geocoding_url}/v1/search"
        self._tls = tls
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=_CONNECTIONS),
            headers={hdrs.USER_AGENT: "mcpsecurity-server"},
            timeout=self._timeout,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def search(self, name: str) -> list[Place]:
        """Return places whose names begin like `name`, the most populous first.

        Raises:
            WeatherError: the service failed.
        """
        found = await self._get(self._search_url, {"name": name, "count": _MAX_RESULTS}, _Cities)
        places = [_place(city) for city in found.results or ()]
        return sorted(places, key=lambda place: -place.population)

    async def report(self, place: Place, *, days: int = 7, start: dt.date | None = None) -> Report:
        """Return the weather at a place for 1 to `MAX_DAYS` days, from today or from `start` on.

        Raises:
            WeatherError: the service failed, or does not cover these days.
        """
        query: dict[str, Any] = {
            "latitude": place.latitude,
            "longitude": place.longitude,
            "timezone": place.time_zone,
            "current": _CURRENT,
            "daily": _DAILY,
        }
        if start is None:
            query["forecast_days"] = days
        else:
            query["start_date"] = start.isoformat()
            query["end_date"] = (start + dt.timedelta(days=days - 1)).isoformat()
        return _report(await self._get(self._forecast_url, query, _Forecast))

    async def _get(self, url: str, query: Mapping[str, Any], model: type[Model]) -> Model:
        if self._session is None:
            raise RuntimeError("use the weather service inside `async with`")
        try:
            async with self._session.get(
                url, params=query, allow_redirects=False, proxy=proxy_for(url)
            ) as response:
                if response.status == 429:
                    raise WeatherError(
                        "The weather service has had too many requests; try again in a minute."
                    )
                if response.status != 200:
                    raise WeatherError("The weather service could not answer this request.")
                body = await response.content.read(_MAX_BYTES + 1)
                while len(body) <= _MAX_BYTES and (more := await response.content.readany()):
                    body += more
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WeatherError("The weather service cannot be reached; try again later.") from error
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise WeatherError("The weather service could not answer this request.") from error


def _place(found: _City) -> Place:
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


def _report(forecast: _Forecast) -> Report:
    now, daily = forecast.current or _Now(), forecast.daily or _Daily(time=())
    count = len(daily.time)
    columns = zip(
        daily.time,
        _column(daily.temperature_2m_min, count),
        _column(daily.temperature_2m_max, count),
        _column(daily.precipitation_sum, count),
        _column(daily.weather_code, count),
        strict=True,
    )
    return Report(
        temperature=now.temperature_2m,
        humidity=now.relative_humidity_2m,
        wind_speed=now.wind_speed_10m,
        condition=describe(now.weather_code),
        days=tuple(
            DayForecast(day, low, high, rain, describe(code)) for day, low, high, rain, code in columns
        ),
    )


def _column(values: Sequence[T | None], count: int) -> Sequence[T | None]:
    """Return the values, or as many blanks if the service left them out."""
    return values if len(values) == count else [None] * count
