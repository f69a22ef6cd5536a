"""The command `mcpsecurity doctor`."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator

import click

from mcpsecurity.cli import command_line
from mcpsecurity.cli.demo_ports import demo_environment
from mcpsecurity.running_demo import NoDemoError, find_demo
from mcpsecurity.settings import EntraSettings, SettingsError, load_settings, settings_of
from mcpsecurity_server.doctor.examination import examine
from mcpsecurity_server.doctor.findings import Finding, Status, as_json, as_table, failed, ok, skipped
from mcpsecurity_server.doctor.settings import DoctorSettings

_NAMES = {"server": "server", "webclient": "web client"}


@click.command()
@click.option("--json", "as_data", is_flag=True, help="Print the findings as JSON.")
@click.option("--local", is_flag=True, help="Look at the demo that runs on this machine.")
@click.option("--port-offset", type=int, help="With --local: that of the demo, if several run.")
def doctor(as_data: bool, local: bool, port_offset: int | None) -> None:
    """Check the configuration of server, web client and model, and say what to change.

    Run it with the environment or the .env of the services, while the server runs; or with --local, which
    needs neither. Exit code 1: something failed.
    """
    # Its messages name tenants; the findings have the reasons.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    findings = _examine_demo(port_offset) if local else _examine_configuration()
    click.echo(as_json(findings) if as_data else as_table(findings))
    sys.exit(int(any(finding.status is Status.FAILED for finding in findings)))


def _examine_demo(port_offset: int | None) -> list[Finding]:
    """Examine the demo with this offset; None: that which was started last, or else the usual ports."""
    offset = port_offset or 0
    if port_offset is None:
        with contextlib.suppress(NoDemoError):
            offset = find_demo().port_offset
    return asyncio.run(examine(settings_of(DoctorSettings, **demo_environment(offset))))


def _examine_configuration() -> list[Finding]:
    try:
        settings = load_settings(DoctorSettings)
    except SettingsError as error:
        return list(refused_settings("services", error))
    return [*check_start(settings), *asyncio.run(examine(settings))]


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
