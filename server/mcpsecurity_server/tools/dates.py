"""The current date and time, anywhere."""

import datetime as dt
from collections.abc import Callable
from difflib import get_close_matches
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, Field

from mcpsecurity_server.tools.elicitation import ToolContext
from mcpsecurity_server.tools.errors import InputError
from mcpsecurity_server.tools.registration import Toolbox


class CurrentDateTime(BaseModel):
    """A moment, in words and numbers."""

    datetime: str = Field(description="ISO 8601 with offset.")
    date: str = Field(description="ISO 8601 date.")
    time: str = Field(description="Hours, minutes, seconds.")
    weekday: str = Field(description="Day of the week, in English.")
    time_zone: str = Field(description="IANA time zone.")


def register(toolbox: Toolbox, now: Callable[[], dt.datetime]) -> None:
    """Register the tools; `now` gives the current time with a time zone."""

    @toolbox.tool(title="Current date and time")
    async def get_current_date_time(
        context: ToolContext,
        time_zone: Annotated[
            str | None, Field(description="IANA time zone, like Europe/Zurich; default: UTC.")
        ] = None,
    ) -> CurrentDateTime:
        """Get the current date, time and day of the week, in UTC or in a given time zone."""
        zone = zone_named(time_zone) if time_zone else dt.UTC
        name = time_zone or "UTC"
        await toolbox.elicitor.approve(
            context, "get_current_date_time", f"Read the current date and time (time_zone = {name})."
        )
        moment = now().astimezone(zone)
        return CurrentDateTime(
            datetime=moment.isoformat(timespec="seconds"),
            date=moment.date().isoformat(),
            time=moment.strftime("%H:%M:%S"),
            weekday=moment.strftime("%A"),
            time_zone=name,
        )


def zone_named(name: str) -> dt.tzinfo:
    """Return the time zone of a name. Raises `InputError` with suggestions if there is no such time zone."""
    if name in _zones():
        return ZoneInfo(name)
    raise InputError(f"time_zone {name[:40]!r} is not an IANA time zone; {_suggestion(name)}.")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _suggestion(name: str) -> str:
    wanted = name.lower().replace(" ", "_")
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(_zones(), reverse=True)}
    zones = {zone.lower(): zone for zone in _zones()}
    close = [zones[match] for match in get_close_matches(wanted, zones, n=3)]
    close += [cities[match] for match in get_close_matches(wanted, cities, n=3) if cities[match] not in close]
    return f"did you mean {' or '.join(close[:3])}?".rstrip("?") if close else "write it like Europe/Zurich"
