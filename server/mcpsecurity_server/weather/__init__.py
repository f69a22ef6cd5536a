"""Places and their weather, from Open-Meteo."""

from mcpsecurity_server.weather.models import DayForecast, Place, Report, WeatherError
from mcpsecurity_server.weather.openmeteo import MAX_DAYS, OpenMeteoClient
from mcpsecurity_server.weather.service import WeatherService

__all__ = ["MAX_DAYS", "DayForecast", "OpenMeteoClient", "Place", "Report", "WeatherError", "WeatherService"]
