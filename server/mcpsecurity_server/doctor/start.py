"""Checks that the services accept their settings, by the checks that they make themselves at their start."""

from collections.abc import Iterator

import click

from mcpsecurity.cli import command_line
from mcpsecurity.settings import EntraSettings, SettingsError, load_settings
from mcpsecurity_server.doctor.findings import Finding, failed, ok, skipped
from mcpsecurity_server.doctor.settings import DoctorSettings

_NAMES = {"server": "server", "webclient": "web client"}


def check_start(settings: DoctorSettings) -> Iterator[Finding]:
    """Have each service that is configured here check its settings, from the environment and `.env`."""
    configured = {"server": settings.api_client_id, "webclient": settings.web_client_id}
    services = [service for service, client_id in configured.items() if client_id]
    for service in services:
        yield from _check_service(service)
    if not services and settings.tenant_id:
        try:
            load_settings(EntraSettings)
        except SettingsError as error:
            yield from refused_settings("services", error)
        else:
            yield ok("settings", "The services would accept the settings of the tenant.")


def _check_service(service: str) -> Iterator[Finding]:
    try:
        command_line.main([service, "--check"], standalone_mode=False)
    except SettingsError as error:
        yield from refused_settings(_NAMES[service], error)
    except click.UsageError as error:  # its packages are not installed
        yield skipped("settings", f"The {_NAMES[service]}'s settings are not checked: {error.message}")
    else:
        yield ok("settings", f"The {_NAMES[service]} would accept its settings.")


def refused_settings(name: str, error: SettingsError) -> Iterator[Finding]:
    """Return a finding for each setting that stops a program."""
    for line in str(error).splitlines():
        key, _, reason = line.partition(": ")
        yield failed("settings", f"The {name} would not start: {reason}.", key)
