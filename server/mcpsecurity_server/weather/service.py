"""Finds places by name, and the weather there."""

import asyncio
import datetime as dt
import importlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from difflib import SequenceMatcher
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Self
from unicodedata import combining, normalize

import aiohttp

from mcpsecurity_server.weather.models import Place, Report

if TYPE_CHECKING:
    from mcpsecurity_server.weather.openmeteo import OpenMeteoClient

__all__ = ["MAX_DAYS", "WeatherService"]

MAX_DAYS = 16
_SUGGESTIONS = 3


class WeatherService:
    """Queries Open-Meteo. Use it inside `async with`.

    `open_session` makes the HTTP session, for example `weather_session`; `timeout` is seconds for a request.
    The library takes seconds to import, so a thread imports it on entering; only the first query waits.
    """

    def __init__(self, open_session: Callable[[], aiohttp.ClientSession], *, timeout: float = 10.0) -> None:
        self._open_session = open_session
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._library: asyncio.Future[ModuleType] | None = None

    async def __aenter__(self) -> Self:
        self._session = self._open_session()
        self._library = _imported("mcpsecurity_server.weather.openmeteo")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        library, self._library = self._library, None
        if library is not None:
            library.cancel()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def places(self, name: str) -> list[Place]:
        """Return the places of that name, the most populous first; empty if there is none.

        If no place has this name in English, the best match counts ("Köln"). A qualifier after a comma
        narrows the search down: "Paris, Texas".

        Raises:
            WeatherError: the service failed.
        """
        city, *qualifiers = [part.strip() for part in name.split(",")]
        near = await (await self._client()).search(city)
        near = [place for place in near if all(_qualifies(place, text) for text in qualifiers if text)]
        return [place for place in near if _plain(place.name) == _plain(city)] or near[:1]

    async def suggestions(self, name: str) -> list[Place]:
        """Return places whose names resemble `name`, the closest first.

        Raises:
            WeatherError: the service failed.
        """
        client = await self._client()
        city = name.partition(",")[0].strip()
        for length in (len(city), 5, 4, 3):
            near = await client.search(city[:length]) if 2 < length <= len(city) else []
            if near:
                near.sort(key=lambda place: (-_likeness(place.name, city), -place.population))
                return near[:_SUGGESTIONS]
        return []

    async def report(self, place: Place, *, days: int = 7, start: dt.date | None = None) -> Report:
        """Return the weather at a place for 1 to `MAX_DAYS` days, from today or from `start` on.

        Raises:
            WeatherError: the service failed, or does not cover these days.
        """
        return await (await self._client()).report(place, days, start)

    async def _client(self) -> "OpenMeteoClient":
        if self._library is None or self._session is None:
            raise RuntimeError("use the weather service inside `async with`")
        library = await asyncio.shield(self._library)
        client: OpenMeteoClient = library.OpenMeteoClient(self._session, self._timeout)
        return client


def _imported(name: str) -> asyncio.Future[ModuleType]:
    """Import a module in a thread that does not keep the process from ending."""
    imported: Future[ModuleType] = Future()

    def run() -> None:
        try:
            imported.set_result(importlib.import_module(name))
        except BaseException as error:  # noqa: BLE001 - raised where the future is awaited
            imported.set_exception(error)

    imported.set_running_or_notify_cancel()
    threading.Thread(target=run, name=f"import {name}", daemon=True).start()
    return asyncio.wrap_future(imported)


def _qualifies(place: Place, text: str) -> bool:
    fields = (place.region, place.country, place.country_code)
    return any(field is not None and _plain(field) == _plain(text) for field in fields)


def _likeness(name: str, wanted: str) -> float:
    return SequenceMatcher(None, _plain(name), _plain(wanted)).ratio()


def _plain(text: str) -> str:
    """Return the text without case and accents: Zürich is zurich."""
    return "".join(char for char in normalize("NFKD", text.casefold()) if not combining(char))
