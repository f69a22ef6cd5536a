"""`/v1/search` and `/v1/forecast`."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import web

from mcpsecurity.localcloud.openmeteo.cities import City, search
from mcpsecurity.localcloud.openmeteo.climate import Day, day_at, hour_at

_MAX_DAYS = 16
_DAILY: dict[str, tuple[str, Callable[[Day], Any]]] = {
    "temperature_2m_max": ("°C", lambda d: d.high),
    "temperature_2m_min": ("°C", lambda d: d.low),
    "precipitation_sum": ("mm", lambda d: d.rain),
    "rain_sum": ("mm", lambda d: d.rain),
    "wind_speed_10m_max": ("km/h", lambda d: d.wind),
    "weather_code": ("wmo code", lambda d: d.code),
    "precipitation_probability_max": ("%", lambda d: 80 if d.rain else 10),
}
_HOURLY: dict[str, tuple[str, Callable[[Day], Any]]] = {
    "temperature_2m": ("°C", lambda h: h.high),
    "apparent_temperature": ("°C", lambda h: round(h.high - h.wind / 15, 1)),
    "relative_humidity_2m": ("%", lambda h: h.humidity),
    "precipitation": ("mm", lambda h: h.rain),
    "rain": ("mm", lambda h: h.rain),
    "wind_speed_10m": ("km/h", lambda h: h.wind),
    "weather_code": ("wmo code", lambda h: h.code),
    "is_day": ("", lambda _: 1),
}


@dataclass(slots=True)
class OpenMeteoFaults:
    """Switches: `down` answers 503, `slow` waits that many seconds first."""

    down: bool = False
    slow: float = 0.0


class _BadRequest(ValueError):  # noqa: N818 - the real API's word
    """A parameter is wrong; the text is the API's `reason`."""


def add_open_meteo_routes(
    app: web.Application,
    faults: OpenMeteoFaults,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> None:
    """Put both APIs on an application."""

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(faults.slow)
        if faults.down:
            return web.json_response({"error": True, "reason": "Service unavailable"}, status=503)
        try:
            found = _search(request) if request.path == "/v1/search" else _forecast(request, now())
        except (_BadRequest, ValueError) as error:
            return web.json_response({"error": True, "reason": str(error)}, status=400)
        return web.json_response(found)

    app.router.add_get("/v1/search", answer)
    app.router.add_get("/v1/forecast", answer)


def _search(request: web.Request) -> dict[str, Any]:
    name = request.query.get("name")
    if name is None:
        raise _BadRequest("Parameter 'name' is required")
    count = int(request.query.get("count", "10"))
    if not 1 <= count <= 100:
        raise _BadRequest("Parameter 'count' must be between 1 and 100.")
    found = search(name, count)
    body: dict[str, Any] = {"generationtime_ms": 0.4}
    return body | ({"results": [_result(city) for city in found]} if found else {})


def _result(city: City) -> dict[str, Any]:
    known = {name: value for name, value in asdict(city).items() if name != "also"}
    return known | {"elevation": 100.0, "feature_code": "PPL"}


def _forecast(request: web.Request, now: dt.datetime) -> dict[str, Any]:
    query = request.query
    latitude, longitude = _coordinate(query.get("latitude"), 90), _coordinate(query.get("longitude"), 180)
    zone = _zone(query.get("timezone", "GMT"))
    local = now.astimezone(zone).replace(tzinfo=None)
    dates = _dates(
        query.get("start_date"), query.get("end_date"), query.get("forecast_days", "7"), local.date()
    )
    offset = now.astimezone(zone).utcoffset() or dt.timedelta()
    body: dict[str, Any] = {
        "latitude": latitude,
        "longitude": longitude,
        "generationtime_ms": 0.1,
        "utc_offset_seconds": int(offset.total_seconds()),
        "timezone": str(zone),
        "timezone_abbreviation": now.astimezone(zone).tzname(),
        "elevation": 100.0,
    }
    if "current" in query:
        quarter = local.replace(minute=local.minute // 15 * 15, second=0, microsecond=0)
        here = hour_at(latitude, longitude, quarter)
        values = {name: read(here) for name, (_, read) in _chosen(query["current"], _HOURLY)}
        body["current_units"] = {"time": "iso8601", "interval": "seconds"} | _units(query["current"], _HOURLY)
        body["current"] = {"time": quarter.isoformat(timespec="minutes"), "interval": 900} | values
    if "daily" in query:
        days = [day_at(latitude, longitude, date) for date in dates]
        body["daily_units"] = {"time": "iso8601"} | _units(query["daily"], _DAILY)
        body["daily"] = {"time": [date.isoformat() for date in dates]} | _series(query["daily"], _DAILY, days)
    if "hourly" in query:
        moments = [dt.datetime.combine(date, dt.time(hour)) for date in dates for hour in range(24)]
        hours = [hour_at(latitude, longitude, moment) for moment in moments]
        body["hourly_units"] = {"time": "iso8601"} | _units(query["hourly"], _HOURLY)
        times = [moment.isoformat(timespec="minutes") for moment in moments]
        body["hourly"] = {"time": times} | _series(query["hourly"], _HOURLY, hours)
    return body


def _chosen(names: str, known: dict[str, tuple[str, Any]]) -> Iterable[tuple[str, tuple[str, Any]]]:
    for name in names.split(","):
        if name not in known:
            raise _BadRequest(
                f"Data corrupted at path ''. Cannot initialize variable from invalid String value {name}."
            )
        yield name, known[name]


def _units(names: str, known: dict[str, tuple[str, Any]]) -> dict[str, str]:
    return {name: unit for name, (unit, _) in _chosen(names, known)}


def _series(names: str, known: dict[str, tuple[str, Any]], readings: list[Day]) -> dict[str, list[Any]]:
    return {name: [read(reading) for reading in readings] for name, (_, read) in _chosen(names, known)}


def _coordinate(text: str | None, limit: float) -> float:
    if text is None:
        raise _BadRequest("Parameter 'latitude' and 'longitude' must have the same number of elements")
    value = float(text)
    if not -limit <= value <= limit:
        raise _BadRequest(f"Coordinate must be in range of -{limit:.0f} to {limit:.0f}°. Given: {value}.")
    return value


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo("UTC" if name in ("GMT", "auto") else name)
    except (ZoneInfoNotFoundError, ValueError):
        raise _BadRequest("Invalid timezone") from None


def _dates(start: str | None, end: str | None, count: str, today: dt.date) -> list[dt.date]:
    if start is not None and end is not None:
        first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    else:
        if not 0 < int(count) <= _MAX_DAYS:
            raise _BadRequest(f"Forecast days is invalid. Allowed range 0 to {_MAX_DAYS}.")
        first, last = today, today + dt.timedelta(days=int(count) - 1)
    earliest, latest = today - dt.timedelta(days=92), today + dt.timedelta(days=_MAX_DAYS - 1)
    if not earliest <= first <= last <= latest:
        raise _BadRequest(f"Parameter 'start_date' is out of allowed range from {earliest} to {latest}")
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
