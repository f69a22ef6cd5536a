"""Finds places by name, and the weather there."""

import datetime as dt
from difflib import SequenceMatcher
from types import TracebackType
from typing import Self
from unicodedata import combining, normalize

from mcpsecurity_server.weather.models import Place, Report
from mcpsecurity_server.weather.openmeteo import OpenMeteoClient

MAX_DAYS = 16
_SUGGESTIONS = 3


class WeatherService:
    """Queries Open-Meteo by `client`, which is open inside `async with`."""

    def __init__(self, client: OpenMeteoClient) -> None:
        self._client = client

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def places(self, name: str) -> list[Place]:
        """Return the places of that name, the most populous first; empty if no place has it.

        If no place has this name in English, the best match counts ("Köln"). A qualifier after a comma
        narrows the search down: "Paris, Texas".

        Raises:
            WeatherError: the service failed.
        """
        city, *qualifiers = [part.strip() for part in name.split(",")]
        near = await self._client.search(city)
        near = [place for place in near if all(_qualifies(place, text) for text in qualifiers if text)]
        return [place for place in near if _plain(place.name) == _plain(city)] or near[:1]

    async def suggestions(self, name: str) -> list[Place]:
        """Return places whose names resemble `name`, the closest first.

        Raises:
            WeatherError: the service failed.
        """
        city = name.partition(",")[0].strip()
        for length in (len(city), 5, 4, 3):
            near = await self._client.search(city[:length]) if 2 < length <= len(city) else []
            if near:
                near.sort(key=lambda place: (-_likeness(place.name, city), -place.population))
                return near[:_SUGGESTIONS]
        return []

    async def report(self, place: Place, *, days: int = 7, start: dt.date | None = None) -> Report:
        """Return the weather at a place for 1 to `MAX_DAYS` days, from today or from `start` on.

        Raises:
            WeatherError: the service failed, or does not cover these days.
        """
        return await self._client.report(place, days, start)


def _qualifies(place: Place, text: str) -> bool:
    fields = (place.region, place.country, place.country_code)
    return any(field is not None and _plain(field) == _plain(text) for field in fields)


def _likeness(name: str, wanted: str) -> float:
    return SequenceMatcher(None, _plain(name), _plain(wanted)).ratio()


def _plain(text: str) -> str:
    """Return the text without case and accents: Zürich is zurich."""
    return "".join(char for char in normalize("NFKD", text.casefold()) if not combining(char))
