"""The command `mcpsecurity doctor`."""

import asyncio
import logging
import sys

import click

from mcpsecurity.cli.running_demo import demo_environment
from mcpsecurity.settings import SettingsError, load_settings, settings_of
from mcpsecurity_server.doctor.examination import examine
from mcpsecurity_server.doctor.findings import Finding, Status, as_json, as_table
from mcpsecurity_server.doctor.settings import DoctorSettings
from mcpsecurity_server.doctor.start import check_start, refused_settings


@click.command()
@click.option("--json", "as_data", is_flag=True, help="Print the findings as JSON.")
@click.option("--local", is_flag=True, help="Look at the demo that runs on this machine.")
@click.option("--port-offset", type=int, default=0, help="With --local: that of the running `demo`.")
def doctor(as_data: bool, local: bool, port_offset: int) -> None:
    """Check the configuration of server, web client and model, and say what to change.

    Run it with the environment or the .env of the services, while the server runs; or with --local, which
    needs neither. Exit code 1: something failed.
    """
    logging.getLogger("azure").setLevel(
        logging.CRITICAL
    )  # its messages name tenants; the findings have the reasons
    findings = _examine_demo(port_offset) if local else _examine_configuration()
    click.echo(as_json(findings) if as_data else as_table(findings))
    sys.exit(int(any(finding.status is Status.FAILED for finding in findings)))


def _examine_demo(port_offset: int) -> list[Finding]:
    return asyncio.run(examine(settings_of(DoctorSettings, **demo_environment(port_offset))))


def _examine_configuration() -> list[Finding]:
    try:
        settings = load_settings(DoctorSettings)
    except SettingsError as error:
        return list(refused_settings("services", error))
    return [*check_start(settings), *asyncio.run(examine(settings))]
