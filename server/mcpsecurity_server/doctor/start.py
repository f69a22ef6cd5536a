"""Checks that the server accepts its settings: what stops it at the start."""

from collections.abc import Iterator

from mcpsecurity.settings import SettingsError, load_settings
from mcpsecurity_server.doctor.findings import Finding, failed, ok
from mcpsecurity_server.settings import ServerSettings

__all__ = ["check_start"]


def check_start() -> Iterator[Finding]:
    """Read the server's settings as the server does, from the environment and `.env`."""
    try:
        load_settings(ServerSettings)
    except SettingsError as error:
        for line in str(error).splitlines():
            key, _, reason = line.partition(": ")
            yield failed("settings", f"The server does not start: {reason}.", key)
    else:
        yield ok("settings", "The server accepts its settings.")
