"""The cities that can be found."""

import csv
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class City:
    """A city of the geocoding API; `also` has its names in other languages."""

    id: int
    name: str
    also: tuple[str, ...]
    admin1: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    timezone: str
    population: int


@lru_cache(maxsize=1)
def cities() -> tuple[City, ...]:
    """Return all cities, read from the data file beside this module on first use."""
    text = files(__package__).joinpath("cities.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        City(
            id=2_000_000 + number,
            name=row["name"],
            also=tuple(filter(None, row["also"].split("|"))),
            admin1=row["admin1"],
            country=row["country"],
            country_code=row["code"],
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            timezone=row["timezone"],
            population=int(row["population"]),
        )
        for number, row in enumerate(rows)
    )


def search(name: str, count: int) -> list[City]:
    """Return cities whose name begins with `name`, the exact ones first, then by population.

    Case and accents do not matter. Two letters have to match exactly, as in the real API; one finds nothing.
    """
    wanted = _plain(name)
    if len(wanted) < 2:
        return []
    ranked = [
        (
            _plain(city.name) != wanted and wanted not in map(_plain, city.also),
            -city.population,
            city.id,
            city,
        )
        for city in cities()
        if any(_matches(_plain(known), wanted) for known in (city.name, *city.also))
    ]
    return [entry[3] for entry in sorted(ranked)[:count]]


def _matches(known: str, wanted: str) -> bool:
    return known == wanted if len(wanted) == 2 else known.startswith(wanted)


@lru_cache(maxsize=4096)
def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold().strip())
    return "".join(char for char in decomposed if not unicodedata.combining(char))
