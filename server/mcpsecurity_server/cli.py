"""`mcpsecurity server`: the MCP server as a process, configured by the environment."""

import sys

import click

from mcpsecurity.scaling.workers import run_workers
from mcpsecurity.service import run_service
from mcpsecurity.settings import configure_logging, load_settings
from mcpsecurity_server.app import create_app
from mcpsecurity_server.audit import correlation_fields
from mcpsecurity_server.settings import ServerSettings

__all__ = ["server"]


@click.command()
@click.option("--no-auth", is_flag=True, help="Serve without access tokens; on a loopback address only.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes; several need a Redis.")
@click.option("--worker", is_flag=True, hidden=True, help="Be one of several processes.")
def server(no_auth: bool, workers: int, worker: bool) -> None:
    """Run the MCP server.

    It accepts access tokens of the Entra ID tenant ENTRA_TENANT_ID for the app registration
    MCP_SERVER_CLIENT_ID.
    """
    settings = load_settings(ServerSettings, **({"no_auth": True} if no_auth else {}))
    configure_logging(settings.log_level, settings.log_format, [correlation_fields])
    host, port = settings.host, settings.port
    if workers > 1:
        command = ["server", "--worker", *(["--no-auth"] if no_auth else [])]
        sys.exit(run_workers(workers, command, settings, host=host, port=port, name="server"))
    sys.exit(
        run_service(lambda: create_app(settings), host=host, port=port, name="server", reuse_port=worker)
    )
