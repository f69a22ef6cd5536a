"""`mcpsecurity server`: the MCP server as a process, configured by the environment."""

import gc
import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from aiohttp import web

from mcpsecurity.runtime.command_variables import command_variable
from mcpsecurity.runtime.log import JsonFormatter
from mcpsecurity.runtime.printable import one_line
from mcpsecurity.runtime.service import run_service
from mcpsecurity.settings import load_settings
from mcpsecurity.telemetry import instrumented, read_exporters
from mcpsecurity.workers import run_workers
from mcpsecurity_server.app import MOUNTED, create_app
from mcpsecurity_server.observability.audit import AuditLog
from mcpsecurity_server.settings import ServerSettings

if TYPE_CHECKING:
    from mcpsecurity.telemetry.running import Telemetry
    from mcpsecurity_server.stdio import StdioProgram

_GARBAGE = (20_000, 10, 10)
"""Thresholds of the cyclic garbage collector. Calls leave no cycles, and Python's default of 700 new objects
would make it scan the log lines that wait."""


@click.command()
@click.option("--no-auth", is_flag=True, help="Serve without access tokens; on a loopback address only.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes; several need a Redis.")
@click.option("--check", is_flag=True, help="Check the settings and exit.")
@click.option("--worker", type=int, default=None, hidden=True, help="Number of this process among several.")
@click.option(
    "--env", "names", multiple=True, metavar="NAME", help="A variable that COMMAND gets; repeatable."
)
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where COMMAND runs."
)
@click.option(
    "--name", default="", help="What precedes each line that COMMAND prints; else its program or package."
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def server(
    no_auth: bool,
    workers: int,
    check: bool,
    worker: int | None,
    names: tuple[str, ...],
    folder: Path | None,
    name: str,
    command: tuple[str, ...],
) -> None:
    """Run the MCP server.

    It accepts access tokens of the Entra ID tenant ENTRA_TENANT_ID for the app registration
    MCP_SERVER_CLIENT_ID, and listens on MCP_SERVER_HOST and MCP_SERVER_PORT; docs/configuration.md has all
    settings.

    With COMMAND, after `--`, it serves the tools of that command instead of its own: an MCP server with the
    stdio transport, such as `npx -y @modelcontextprotocol/server-memory`. Each caller gets a process of their
    own, which ends after a quarter of an hour without a request.
    """
    settings = load_settings(ServerSettings, **({"no_auth": True} if no_auth else {}))
    if check:
        read_exporters(os.environ)
        return
    if command and workers > 1:
        raise click.UsageError(
            "COMMAND and --workers do not go together: a caller's process is in one of them"
        )
    if workers > 1:
        arguments = ["server", *(["--no-auth"] if no_auth else [])]
        host, port = settings.host, settings.port
        sys.exit(run_workers(workers, arguments, settings, host=host, port=port, name="server"))
    if command:
        sys.exit(_serve_command(settings, command, _variables(names), folder, name))
    sys.exit(_serve(settings, worker))


def _variables(names: Iterable[str]) -> dict[str, str]:
    """Return variables of the environment by name. Raises `click.UsageError` for one that is not set."""
    found = {name: command_variable(os.environ, name) for name in names}
    if missing := [name for name, value in found.items() if value is None]:
        raise click.UsageError(f"--env: {', '.join(missing)} is not set")
    return {name: value for name, value in found.items() if value is not None}


def _serve_command(
    settings: ServerSettings,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    folder: Path | None,
    name: str,
) -> int:
    """Serve the tools of a command; return the exit code."""
    from mcpsecurity.client.command_log import threaded_command_log  # noqa: PLC0415 - MCP's client
    from mcpsecurity_server.stdio import Command, CommandError, StdioProgram  # noqa: PLC0415 - likewise

    command = Command(arguments, variables, folder, name=one_line(name))
    formatter = JsonFormatter() if settings.log_format == "json" else None
    with threaded_command_log(lambda line: _print(f"{command.label}: {line}", formatter)) as log:
        try:
            return _serve(settings, program=StdioProgram(replace(command, log=log)))
        except CommandError as error:
            failure = error
    click.echo(f"{failure}" if command.name else f"server: {failure}", err=True)
    return 1


def _print(line: str, formatter: JsonFormatter | None) -> None:
    """Print what a command says of itself, at whatever level is logged."""
    if formatter is not None:
        said = {"name": "mcpsecurity_server.command", "levelname": "INFO", "msg": line}
        line = formatter.format(logging.makeLogRecord(said))
    click.echo(line, err=True)


def _serve(settings: ServerSettings, worker: int | None = None, program: "StdioProgram | None" = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code."""
    gc.set_threshold(*_GARBAGE)
    with instrumented("mcpsecurity-server", settings, settings.metrics) as telemetry:
        return run_service(
            partial(_application, settings, program, telemetry, worker or 0),
            host=settings.host,
            port=settings.port,
            name="server",
            reuse_port=worker is not None,
        )


def _application(
    settings: ServerSettings,
    program: "StdioProgram | None",
    telemetry: "Telemetry | None",
    worker: int,
) -> web.Application:
    app = _instrumented(settings, program, telemetry, worker)
    if program is not None:
        program.clients = app[MOUNTED]
    return app


def _instrumented(
    settings: ServerSettings,
    program: "StdioProgram | None",
    telemetry: "Telemetry | None",
    worker: int,
) -> web.Application:
    if telemetry is None:
        return create_app(settings, program)
    from mcpsecurity.telemetry.scrape import add_metrics_port  # noqa: PLC0415 - optional packages
    from mcpsecurity_server.observability.telemetry import ServerInstrumentation  # noqa: PLC0415

    audit = AuditLog(telemetry.log_fields if telemetry.tracing else None)
    app = create_app(settings, program, audit=audit, instrumentation=ServerInstrumentation(audit.denials))
    add_metrics_port(app, telemetry, settings.metrics, worker)
    return app
