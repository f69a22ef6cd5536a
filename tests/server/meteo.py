"""A weather service that does as it is told: a handful of places, the same weather everywhere."""

import datetime as dt
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from aiohttp.test_utils import TestServer

_PLACES = [
    ("Zurich", "Zurich", "Switzerland", "CH", 47.37, 8.55, "Europe/Zurich", 341_730),
    ("Zurich", "Kansas", "United States", "US", 39.23, -99.43, "America/Chicago", 99),
    ("Springfield", "Missouri", "United States", "US", 37.2, -93.3, "America/Chicago", 166_810),
    ("Springfield", "Massachusetts", "United States", "US", 42.1, -72.6, "America/New_York", 153_060),
    ("Springfield", "Illinois", "United States", "US", 39.8, -89.6, "America/Chicago", 116_565),
    ("Paris", "Île-de-France", "France", "FR", 48.85, 2.35, "Europe/Paris", 2_138_551),
    ("Paris", "Texas", "United States", "US", 33.66, -95.56, "America/Chicago", 24_782),
    ("Cologne", "North Rhine-Westphalia", "Germany", "DE", 50.93, 6.95, "Europe/Berlin", 1_024_408),
]
_ALSO_KNOWN_AS = {"köln": "Cologne"}


class ControlledMeteo:
    """Start with `async with`. A `status` other than 200, or a `body`, answers every search."""

    def __init__(self) -> None:
        self.status = 200
        self.body: bytes | None = None
        self.precipitation = 1.5
        self.hosts: list[str | None] = []
        self.queries: list[dict[str, str]] = []
        app = web.Application()
        app.router.add_get("/v1/search", self._search)
        app.router.add_get("/v1/forecast", self._forecast)
        self._server = TestServer(app, host="127.0.0.1")

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def _search(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.json_response({"error": True, "reason": "told to"}, status=self.status)
        if self.body is not None:
            return web.Response(body=self.body, content_type="application/json")
        self.hosts.append(request.headers.get("Host"))
        name = request.query["name"].lower()
        name = _ALSO_KNOWN_AS.get(name, name).lower()
        found = [place for place in _PLACES if place[0].lower().startswith(name)]
        results = [
            {
                "id": index, "feature_code": "PPL", "name": place[0], "admin1": place[1], "country": place[2],
                "country_code": place[3], "latitude": place[4], "longitude": place[5], "timezone": place[6],
                "population": place[7],
            }
            for index, place in enumerate(found)
        ]  # fmt: skip
        body: dict[str, Any] = {"generationtime_ms": 0.1}
        return web.json_response(body | ({"results": results} if results else {}))

    async def _forecast(self, request: web.Request) -> web.Response:
        self.queries.append(dict(request.query))
        query = request.query
        start = dt.date.fromisoformat(query["start_date"]) if "start_date" in query else dt.date(2026, 6, 1)
        end = query.get("end_date")
        count = (dt.date.fromisoformat(end) - start).days + 1 if end else int(query.get("forecast_days", 7))
        days = [(start + dt.timedelta(days=n)).isoformat() for n in range(count)]
        reading = {
            "temperature_2m": 21.5,
            "relative_humidity_2m": 55,
            "wind_speed_10m": 7.5,
            "weather_code": 2,
        }
        series = {
            "weather_code": 61,
            "temperature_2m_max": 23.0,
            "temperature_2m_min": 12.0,
            "precipitation_sum": self.precipitation,
        }
        return web.json_response(
            {
                "latitude": float(query["latitude"]),
                "longitude": float(query["longitude"]),
                "elevation": 400.0,
                "generationtime_ms": 0.1,
                "utc_offset_seconds": 0,
                "timezone": query["timezone"],
                "timezone_abbreviation": "X",
                "current": {"time": f"{days[0]}T12:00", "interval": 900, **reading},
                "daily": {"time": days, **{name: [value] * count for name, value in series.items()}},
            }
        )
