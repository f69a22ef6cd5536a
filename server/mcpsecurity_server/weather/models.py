"""Places and forecasts, as the weather service returns them."""

import datetime as dt
from dataclasses import dataclass


class WeatherError(Exception):
    """The weather service cannot be reached, or its answer cannot be used. The message may be shown."""


@dataclass(frozen=True, slots=True)
class Place:
    """A city."""

    name: str
    region: str | None
    country: str | None
    country_code: str | None
    latitude: float
    longitude: float
    time_zone: str
    population: int

    @property
    def full_name(self) -> str:
        """The name with region and country."""
        parts = [self.name, self.region if self.region != self.name else None, self.country]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class DayForecast:
    """The weather of a day: °C and mm."""

    date: dt.date
    temperature_min: float | None
    temperature_max: float | None
    precipitation: float | None
    condition: str


@dataclass(frozen=True, slots=True)
class Report:
    """The current weather, if known, and that of the requested days: °C, km/h and %."""

    temperature: float | None
    humidity: float | None
    wind_speed: float | None
    condition: str
    days: tuple[DayForecast, ...]


_CONDITIONS = {
    0: "clear sky", 1: "mainly clear", 2: "partly cloudy", 3: "overcast", 45: "fog", 48: "freezing fog",
    51: "light drizzle", 53: "drizzle", 55: "heavy drizzle",
    56: "light freezing drizzle", 57: "freezing drizzle",
    61: "light rain", 63: "rain", 65: "heavy rain", 66: "light freezing rain", 67: "freezing rain",
    71: "light snowfall", 73: "snowfall", 75: "heavy snowfall", 77: "snow grains",
    80: "light rain showers", 81: "rain showers", 82: "violent rain showers",
    85: "light snow showers", 86: "heavy snow showers",
    95: "thunderstorm", 96: "thunderstorm with light hail", 99: "thunderstorm with heavy hail",
}  # fmt: skip


def describe(weather_code: float | None) -> str:
    """Return a WMO weather interpretation code (WW) in words."""
    return _CONDITIONS.get(int(weather_code), "unknown") if weather_code is not None else "unknown"
