"""Checks that the services accept their settings: what stops them at the start."""

from collections.abc import Iterator

from mcpsecurity.settings import EntraSettings, SettingsError, load_settings
from mcpsecurity_server.doctor.findings import Finding, failed, ok
from mcpsecurity_server.settings import ServerSettings

__all__ = ["check_start"]


def check_start(*, server: bool) -> Iterator[Finding]:
    """Read the settings as the services do, from the environment and `.env`: the server's, or only those of
    the tenant, which all have."""
    name = "server" if server else "services"
    try:
        load_settings(ServerSettings if server else EntraSettings)
    except SettingsError as error:
        for line in str(error).splitlines():
            key, _, reason = line.partition(": ")
            yield failed("settings", f"The {name} would not start: {reason}.", key)
    else:
        yield ok("settings", f"The {name} would accept these settings.")
