"""Open-Meteo's geocoding and forecast for a built-in list of cities, with weather made up by rule."""

from mcpsecurity.localcloud.openmeteo.routes import OpenMeteoFaults, add_open_meteo_routes

__all__ = ["OpenMeteoFaults", "add_open_meteo_routes"]
