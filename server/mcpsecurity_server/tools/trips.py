"""Plans a trip by the weather: asks for missing arguments in one form, and reports progress."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, create_model

from mcpsecurity_server.tools.elicitation import Elicitor, ToolContext
from mcpsecurity_server.tools.errors import InputError, ServiceError
from mcpsecurity_server.tools.registration import Toolbox
from mcpsecurity_server.tools.weather import DailyWeather, daily_weather, find_place
from mcpsecurity_server.weather import MAX_DAYS, WeatherError, WeatherService

TOOL = "plan_trip"
Interest = Literal["sightseeing", "nature", "sports", "museums", "food", "shopping"]

_OUTDOORS = ("sightseeing", "nature", "sports")
_RAINY = 3.0
"""Precipitation in mm from which a day is planned indoors."""

_IDEAS = {
    "sightseeing": "walk through the old town and its sights",
    "nature": "hike or visit a park",
    "sports": "rent a bike or go for a swim",
    "museums": "visit a museum",
    "food": "take your time for the local kitchen",
    "shopping": "stroll through markets and shops",
}


class TripDay(DailyWeather):
    """A day of the trip: its weather, and what to do."""

    idea: str = Field(description="What to do on that day.")


class TripPlan(BaseModel):
    """A trip with a forecast and an idea for each day."""

    destination: str = Field(description="City, region and country.")
    start_date: str = Field(description="First day, ISO 8601.")
    end_date: str = Field(description="Last day, ISO 8601.")
    travellers: int = Field(description="How many people travel.")
    interests: list[str] = Field(description="What they like.")
    daily: list[TripDay] = Field(description="The days.")


class _Wishes(BaseModel):
    """The complete arguments of a trip."""

    destination: str
    start_date: str
    end_date: str
    travellers: int
    interests: list[str]


_OPTIONS: dict[str, Any] = {
    "items": {"anyOf": [{"const": name, "title": name.capitalize()} for name in get_args(Interest)]},
    "minItems": 1,
    "uniqueItems": True,
}
_QUESTIONS: dict[str, tuple[type[Any], Any]] = {
    "destination": (str, Field(title="Destination", description="A city.", min_length=1, max_length=100)),
    "start_date": (str, Field(title="First day", json_schema_extra={"format": "date"})),
    "end_date": (str, Field(title="Last day", json_schema_extra={"format": "date"})),
    "travellers": (int, Field(title="Travellers", description="How many people travel.", ge=1, le=20)),
    "interests": (
        list[str],
        Field(title="Interests", description="What you like.", json_schema_extra=_OPTIONS),
    ),
}


def register(toolbox: Toolbox, weather: WeatherService, now: Callable[[], dt.datetime]) -> None:
    """Register the tool; `now` gives the current time with a time zone."""

    @toolbox.tool(title="Plan a trip", open_world=True)
    async def plan_trip(
        context: ToolContext,
        destination: Annotated[str | None, Field(description="City to travel to.", max_length=100)] = None,
        start_date: Annotated[str | None, Field(description="First day, ISO 8601 date.")] = None,
        end_date: Annotated[str | None, Field(description="Last day, ISO 8601 date.")] = None,
        travellers: Annotated[int | None, Field(description="How many people travel.", ge=1, le=20)] = None,
        interests: Annotated[
            list[Interest] | None, Field(description="What they like.", max_length=6)
        ] = None,
    ) -> TripPlan:
        """Plan a trip to a city: the forecast and an idea for each day. Asks the user for what is missing.

        Temperature in °C, precipitation in mm.
        """
        given = {
            "destination": destination or None,
            "start_date": start_date,
            "end_date": end_date,
            "travellers": travellers,
            "interests": interests or None,
        }
        wishes = await _complete(toolbox.elicitor, context, given, now().date())
        first, last = _days_between(wishes, now().date())
        count = (last - first).days + 1
        await context.report_progress(0, count + 2, f"Looking for {wishes.destination}")
        try:
            place, _ = await find_place(toolbox.elicitor, context, TOOL, weather, wishes.destination)
            await context.report_progress(1, count + 2, f"Asking for the forecast of {place.full_name}")
            report = await weather.report(place, days=count, start=first)
        except WeatherError as error:
            raise ServiceError(str(error)) from error
        days = []
        for number, day in enumerate(report.days):
            days.append(_trip_day(daily_weather(day), number, wishes.interests))
            await context.report_progress(number + 2, count + 2, f"Planned {day.date.isoformat()}")
        await context.report_progress(count + 2, count + 2, "Done")
        return TripPlan(**wishes.model_dump() | {"destination": place.full_name, "daily": days})


async def _complete(
    elicitor: Elicitor, context: ToolContext, given: dict[str, Any], today: dt.date
) -> _Wishes:
    """Return all arguments; the person enters those that are missing, which also approves the call."""
    missing = {name: _QUESTIONS[name] for name, value in given.items() if value is None}
    if not missing:
        wishes = _Wishes(**given)
        action = (
            f"Plan a trip to {wishes.destination} from {wishes.start_date} to {wishes.end_date} for "
            f"{wishes.travellers} (interests = {', '.join(wishes.interests)}), with forecasts of Open-Meteo."
        )
        await elicitor.approve(context, TOOL, action)
        return wishes
    if not elicitor.can_ask(context):
        raise InputError(
            f"Still missing: {', '.join(missing)}. Ask the user and call {TOOL} with all of them."
        )
    known = ", ".join(f"{name} = {value}" for name, value in given.items() if value is not None)
    message = (
        f"Your trip will be planned with forecasts of Open-Meteo{f' ({known})' if known else ''}, which are "
        f"known for {MAX_DAYS} days from today on."  # without dates: the same question in each round
    )
    fields: dict[str, Any] = dict(missing)
    request = "Please fill in the rest." if known else "Please fill in the form."
    answer = await elicitor.ask(context, TOOL, f"{message} {request}", create_model("Trip", **fields))
    known_by_now = {name: value for name, value in given.items() if value is not None}
    wishes = _Wishes(**known_by_now | answer.model_dump())
    if {"start_date", "end_date"} & missing.keys() and not _fits(wishes, today):
        return await _with_other_days(elicitor, context, wishes)
    return wishes


def _fits(wishes: _Wishes, today: dt.date) -> bool:
    """Tell whether there is a forecast for the days."""
    try:
        _days_between(wishes, today)
    except InputError:
        return False
    return True


async def _with_other_days(elicitor: Elicitor, context: ToolContext, wishes: _Wishes) -> _Wishes:
    """Ask a second time for the days, so that nothing else has to be entered again."""
    message = (
        f"{wishes.start_date[:40]} to {wishes.end_date[:40]} does not fit: forecasts are known for "
        f"{MAX_DAYS} days from today on, and the last day cannot be before the first. Please choose others."
    )
    fields: dict[str, Any] = {name: _QUESTIONS[name] for name in ("start_date", "end_date")}
    answer = await elicitor.ask(context, TOOL, message, create_model("Days", **fields))
    return wishes.model_copy(update=answer.model_dump())


def _days_between(wishes: _Wishes, today: dt.date) -> tuple[dt.date, dt.date]:
    first, last = _date("start_date", wishes.start_date), _date("end_date", wishes.end_date)
    horizon = today + dt.timedelta(days=MAX_DAYS - 1)
    if last < first:
        raise InputError(f"The last day (end_date, {last}) is before the first day (start_date, {first}).")
    if first < today or last > horizon:
        raise InputError(f"Forecasts are known from {today} to {horizon}; choose days within.")
    return first, last


def _date(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{name} {text[:40]!r} is not a date; write it like 2025-12-24.") from None


def _trip_day(day: DailyWeather, number: int, interests: Sequence[str]) -> TripDay:
    """Add an idea for the day: the interests take turns, and rainy days prefer those that are indoors."""
    rainy = (day.precipitation or 0) >= _RAINY
    fitting = [name for name in interests if (name in _OUTDOORS) is not rainy] or list(interests)
    wish = fitting[number % len(fitting)]
    return TripDay(**day.model_dump(), idea=_IDEAS.get(wish, wish))
