"""Made-up weather: fixed for a place and time, and plausible for latitude and season."""

import datetime as dt
import hashlib
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Day:
    """A day's weather: °C, mm, km/h, and a WMO code."""

    high: float
    low: float
    rain: float
    wind: float
    code: int
    humidity: int


def day_at(latitude: float, longitude: float, date: dt.date) -> Day:
    """Return the weather of a day."""
    spell, luck, gust, wet = _chances(latitude, longitude, date)
    north = math.copysign(1.0, latitude)
    season = math.cos((date.timetuple().tm_yday - 200) / 365.25 * 2 * math.pi) * north
    distance = abs(latitude)
    mean = 28 - 0.0068 * distance**2 + season * min(14.0, distance * 0.26) + (spell - 0.5) * 7
    swing = 4 + 5 * luck
    raining = wet < 0.36
    rain = round((0.36 - wet) * 40 + gust, 1) if raining else 0.0
    high, low = round(mean + swing / 2, 1), round(mean - swing / 2, 1)
    return Day(
        high=high,
        low=low,
        rain=rain,
        wind=round(4 + gust * 26, 1),
        code=_code(rain, high, luck),
        humidity=round(45 + 45 * (1 - wet)),
    )


def hour_at(latitude: float, longitude: float, moment: dt.datetime) -> Day:
    """Return the weather of an hour: the day's, with the temperature of the time in `high`."""
    day = day_at(latitude, longitude, moment.date())
    share = (1 - math.cos((moment.hour - 4) / 24 * 2 * math.pi)) / 2
    now = round(day.low + (day.high - day.low) * share, 1)
    return Day(now, day.low, round(day.rain / 24, 1), day.wind, day.code, day.humidity)


def _chances(latitude: float, longitude: float, date: dt.date) -> tuple[float, ...]:
    """Return four numbers in [0, 1) that are fixed for a place and a day; the first moves slowly."""
    place = f"{latitude:.1f},{longitude:.1f}"
    spell = hashlib.sha256(f"{place}|{date.toordinal() // 4}".encode()).digest()
    today = hashlib.sha256(f"{place}|{date.isoformat()}".encode()).digest()
    return tuple(part / 256 for part in (spell[0], today[0], today[1], today[2]))


def _code(rain: float, high: float, luck: float) -> int:
    if rain > 0:
        return (71 if rain < 3 else 73) if high < 1 else (61 if rain < 3 else 63 if rain < 8 else 65)
    return (0, 1, 2, 3, 45)[min(4, int(luck * 5))]
