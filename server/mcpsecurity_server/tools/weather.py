"""The weather of a city. Asks for the city if it is missing, and which one if several have that name."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from mcpsecurity_server.tools.elicitation import Elicitor, ToolContext
from mcpsecurity_server.tools.errors import InputError, ServiceError
from mcpsecurity_server.tools.registration import Toolbox
from mcpsecurity_server.transport import step
from mcpsecurity_server.weather import DayForecast, Place, WeatherError, WeatherService

_MAX_CANDIDATES = 8
_CLEARLY_LARGER = 5
"""A city this many times as large as the next of its name is taken without a question."""

CityName = Annotated[str, Field(min_length=1, max_length=100)]


class DailyWeather(BaseModel):
    """The weather of one day."""

    date: str = Field(description="ISO 8601 date.")
    temperature_min: float | None = Field(description="Lowest temperature, °C.")
    temperature_max: float | None = Field(description="Highest temperature, °C.")
    precipitation: float | None = Field(description="Rain and melted snow, mm.")
    condition: str = Field(description="The weather in words.")


class CityWeather(BaseModel):
    """The weather of a city now, and a forecast of seven days from today."""

    place: str = Field(description="City, region and country.")
    latitude: float
    longitude: float
    time_zone: str
    condition: str = Field(description="The weather now, in words.")
    temperature: float | None = Field(description="Temperature now, °C.")
    humidity: float | None = Field(description="Relative humidity now, %.")
    wind_speed: float | None = Field(description="Wind speed now, km/h.")
    daily: list[DailyWeather] = Field(description="Forecast by day, from today.")
    other_matches: list[str] = Field(description="Other places of that name that could have been meant.")


class _WhichCity(BaseModel):
    """The city whose weather is wanted."""

    city: CityName = Field(title="City", description="For example Zurich, or Paris, Texas.")


def register(toolbox: Toolbox, weather: WeatherService) -> None:
    """Register the tool."""

    @toolbox.tool(title="City weather", open_world=True)
    async def get_city_weather(
        context: ToolContext,
        city: Annotated[
            str | None,
            Field(
                description="City, if need be with region or country: Zurich, or Paris, Texas.",
                max_length=100,
            ),
        ] = None,
    ) -> CityWeather:
        """Get the weather of a city: now and a forecast of seven days. Temperature in °C, precipitation
        in mm, wind in km/h, humidity in %."""
        tool = "get_city_weather"
        if city is None or not city.strip():
            city = await _ask_for_city(toolbox.elicitor, context, tool)
        else:
            await toolbox.elicitor.approve(
                context, tool, f"Look up the weather (city = {city}) with Open-Meteo."
            )
        try:
            place, others = await find_place(toolbox.elicitor, context, tool, weather, city)
            report = await weather.report(place)
        except WeatherError as error:
            raise ServiceError(str(error)) from error
        return CityWeather(
            place=place.full_name,
            latitude=place.latitude,
            longitude=place.longitude,
            time_zone=place.time_zone,
            condition=report.condition,
            temperature=report.temperature,
            humidity=report.humidity,
            wind_speed=report.wind_speed,
            daily=[daily_weather(day) for day in report.days],
            other_matches=[other.full_name for other in others],
        )


def daily_weather(day: DayForecast) -> DailyWeather:
    """Return a day's forecast as the tools return it."""
    return DailyWeather(
        date=day.date.isoformat(),
        temperature_min=day.temperature_min,
        temperature_max=day.temperature_max,
        precipitation=day.precipitation,
        condition=day.condition,
    )


async def find_place(
    elicitor: Elicitor, context: ToolContext, tool: str, weather: WeatherService, city: str
) -> tuple[Place, list[Place]]:
    """Return the place that the person means, and the other places of that name if no question was asked.

    If several places could be meant, the person chooses; for clients that cannot ask it is the most populous.

    Raises:
        InputError: there is no such place; the message suggests others.
        OutcomeError: the person did not choose.
        WeatherError: the service failed.
    """
    places = [Place(**found) for found in await step("places", lambda: _places(weather, city))]
    if not places:
        near = [place.full_name for place in await weather.suggestions(city)]
        hint = f"did you mean {' or '.join(near)}" if near else "write the name of a city, like Zurich"
        raise InputError(f"There is no city named {city!r} in the weather service; {hint}?")
    candidates = _candidates(places)
    if len(candidates) > 1 and elicitor.can_ask(context):
        return await _ask_which(elicitor, context, tool, city, candidates), []
    return candidates[0], candidates[1:]


async def _places(weather: WeatherService, city: str) -> list[dict[str, Any]]:
    return [asdict(place) for place in await weather.places(city)]


def _candidates(places: list[Place]) -> list[Place]:
    """Return the places to choose from: only one if it is clearly larger than the others."""
    unique = list({place.full_name: place for place in reversed(places)}.values())[::-1]
    if len(unique) > 1 and unique[0].population >= _CLEARLY_LARGER * max(unique[1].population, 1):
        return unique[:1]
    return unique[:_MAX_CANDIDATES]


async def _ask_for_city(elicitor: Elicitor, context: ToolContext, tool: str) -> str:
    if not elicitor.can_ask(context):
        raise InputError("city is missing; give the name of a city, like Zurich.")
    message = "Which city's weather do you want? It will be looked up with Open-Meteo."
    return (await elicitor.ask(context, tool, message, _WhichCity)).city


async def _ask_which(
    elicitor: Elicitor, context: ToolContext, tool: str, city: str, candidates: list[Place]
) -> Place:
    by_name = {place.full_name: place for place in candidates}
    options: dict[str, Any] = {"oneOf": [{"const": name, "title": name} for name in by_name]}
    field = Field(title="Place", description=f"Which {city} do you mean?", json_schema_extra=options)
    form = create_model("WhichPlace", place=(str, field))
    answer = await elicitor.ask(context, tool, f"There are several places named {city}.", form)
    chosen = by_name.get(str(answer.model_dump()["place"]))
    if chosen is None:
        raise ServiceError(f"{tool} could not use the answer: it is none of the places offered.")
    return chosen
