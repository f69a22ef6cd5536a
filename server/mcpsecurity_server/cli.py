"""`mcpsecurity server`: the MCP server as a process, configured by the environment."""

import gc
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import click
from aiohttp import web

from mcpsecurity.runtime.service import run_service
from mcpsecurity.settings import load_settings
from mcpsecurity.telemetry import instrumented, read_exporters
from mcpsecurity.workers import run_workers
from mcpsecurity_server.app import create_app
from mcpsecurity_server.observability.audit import AuditLog
from mcpsecurity_server.settings import ServerSettings

if TYPE_CHECKING:
    from mcpsecurity.telemetry.running import Telemetry

_GARBAGE = (20_000, 10, 10)
"""Thresholds of the cyclic garbage collector. Calls leave no cycles, and Python's default of 700 new objects
would make it scan the log lines that wait."""


@click.command()
@click.option("--no-auth", is_flag=True, help="Serve without access tokens; on a loopback address only.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes; several need a Redis.")
@click.option("--check", is_flag=True, help="Check the settings and exit.")
@click.option("--worker", type=int, default=None, hidden=True, help="Number of this process among several.")
def server(no_auth: bool, workers: int, check: bool, worker: int | None) -> None:
    """Run the MCP server.

    It accepts access tokens of the Entra ID tenant ENTRA_TENANT_ID for the app registration
    MCP_SERVER_CLIENT_ID.
    """
    settings = load_settings(ServerSettings, **({"no_auth": True} if no_auth else {}))
    if check:
        read_exporters(os.environ)
        return
    if workers > 1:
        command = ["server", *(["--no-auth"] if no_auth else [])]
        host, port = settings.host, settings.port
        sys.exit(run_workers(workers, command, settings, host=host, port=port, name="server"))
    sys.exit(_serve(settings, worker))


def _serve(settings: ServerSettings, worker: int | None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    gc.set_threshold(*_GARBAGE)
    with instrumented("mcpsecurity-server", settings, settings.metrics) as telemetry:
        return run_service(
            partial(_application, settings, telemetry, worker or 0),
            host=settings.host,
            port=settings.port,
            name="server",
            reuse_port=worker is not None,
        )


def _application(settings: ServerSettings, telemetry: "Telemetry | None", worker: int) -> web.Application:
    if telemetry is None:
        return create_app(settings)
    from mcpsecurity.telemetry.scrape import add_metrics_port  # noqa: PLC0415 - optional packages
    from mcpsecurity_server.observability.telemetry import ServerInstrumentation  # noqa: PLC0415

    audit = AuditLog(telemetry.log_fields if telemetry.tracing else None)
    app = create_app(settings, audit=audit, instrumentation=ServerInstrumentation(audit.denials))
    add_metrics_port(app, telemetry, settings.metrics, worker)
    return app
