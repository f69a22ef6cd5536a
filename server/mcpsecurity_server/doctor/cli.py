"""The command `mcpsecurity doctor`."""

import asyncio
import logging
import sys

import click

from mcpsecurity.settings import load_settings
from mcpsecurity_server.doctor.examination import examine
from mcpsecurity_server.doctor.findings import Status, as_json, as_table
from mcpsecurity_server.doctor.settings import DoctorSettings

__all__ = ["doctor"]


@click.command()
@click.option("--json", "as_data", is_flag=True, help="Print the findings as JSON.")
def doctor(as_data: bool) -> None:
    """Check the configuration of server, web client and model, and say what to change.

    Run it with the environment or the .env of the services, while the server runs. Exit code 1: something
    failed.
    """
    logging.getLogger("azure").setLevel(
        logging.CRITICAL
    )  # its messages name tenants; the findings have the reasons
    findings = asyncio.run(examine(load_settings(DoctorSettings)))
    click.echo(as_json(findings) if as_data else as_table(findings))
    sys.exit(int(any(finding.status is Status.FAILED for finding in findings)))
