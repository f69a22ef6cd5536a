"""Errors that whoever starts a program is told about."""

__all__ = ["SettingsError"]


class SettingsError(Exception):
    """One or more settings are missing or wrong; the message has one line for each, naming its key."""
