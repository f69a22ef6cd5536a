"""The tools, a module for each subject. A tool checks its input, asks the person, and then acts."""

from mcpsecurity_server.tools import dates, identity, random_numbers, trips, weather

__all__ = ["dates", "identity", "random_numbers", "trips", "weather"]
