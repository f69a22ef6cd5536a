"""Errors that are shown to the person who starts a program."""


class SettingsError(Exception):
    """One or more settings are missing or wrong; the message has one line for each, naming its key."""
