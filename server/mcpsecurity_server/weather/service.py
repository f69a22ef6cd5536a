"""Finds places by name, and the weather there."""

from difflib import SequenceMatcher
from unicodedata import combining, normalize

from mcpsecurity_server.weather.models import Place
from mcpsecurity_server.weather.openmeteo import OpenMeteoClient

_SUGGESTIONS = 3


class WeatherService(OpenMeteoClient):
    """Finds places by what people call them. Use it inside `async with`."""

    async def places(self, name: str) -> list[Place]:
        """Return the places of that name, the most populous first; empty if no place has it.

        If no place has this name in English, the best match counts ("Köln"). A qualifier after a comma
        narrows the search down: "Paris, Texas".

        Raises:
            WeatherError: the service failed.
        """
        city, *qualifiers = [part.strip() for part in name.split(",")]
        near = await self.search(city)
        near = [place for place in near if all(_qualifies(place, text) for text in qualifiers if text)]
        return [place for place in near if _plain(place.name) == _plain(city)] or near[:1]

    async def suggestions(self, name: str) -> list[Place]:
        """Return places whose names resemble `name`, the closest first.

        Raises:
            WeatherError: the service failed.
        """
        city = name.partition(",")[0].strip()
        for length in (len(city), 5, 4, 3):
            near = await self.search(city[:length]) if 2 < length <= len(city) else []
            if near:
                near.sort(key=lambda place: (-_likeness(place.name, city), -place.population))
                return near[:_SUGGESTIONS]
        return []


def _qualifies(place: Place, text: str) -> bool:
    fields = (place.region, place.country, place.country_code)
    return any(field is not None and _plain(field) == _plain(text) for field in fields)


def _likeness(name: str, wanted: str) -> float:
    return SequenceMatcher(None, _plain(name), _plain(wanted)).ratio()


def _plain(text: str) -> str:
    """Return the text without case and accents: Zürich is zurich."""
    return "".join(char for char in normalize("NFKD", text.casefold()) if not combining(char))
