"""Places and their weather, from Open-Meteo."""

from mcpsecurity_server.weather.models import DayForecast, Place, Report, WeatherError
from mcpsecurity_server.weather.service import MAX_DAYS, WeatherService
from mcpsecurity_server.weather.session import weather_session

__all__ = ["MAX_DAYS", "DayForecast", "Place", "Report", "WeatherError", "WeatherService", "weather_session"]
