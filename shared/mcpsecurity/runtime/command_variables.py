"""Variables of a command that is served, on their way through the environment of its server."""

from collections.abc import Mapping
from typing import Final

COMMAND_VARIABLE: Final = "MCPSECURITY_COMMAND_VARIABLE_"
"""Before the name of a variable that only the command gets, so that it does not set up the server."""


def command_variable(environment: Mapping[str, str], name: str) -> str | None:
    """Return what a variable of the command holds; None if it is not set."""
    return environment.get(COMMAND_VARIABLE + name, environment.get(name))
