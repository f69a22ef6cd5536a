"""`mcpsecurity webclient`: the web chat as a process, configured by the environment."""

import os
import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING

import click
from aiohttp import web

from mcpsecurity.runtime.service import run_service
from mcpsecurity.settings import load_settings
from mcpsecurity.telemetry import instrumented, read_exporters
from mcpsecurity.workers import run_workers
from mcpsecurity_webclient.errors import StoreError
from mcpsecurity_webclient.settings import WebSettings

if TYPE_CHECKING:
    from mcpsecurity.telemetry.running import Telemetry


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes; several need a Redis.")
@click.option("--check", is_flag=True, help="Check the settings and exit.")
@click.option("--worker", type=int, default=None, hidden=True, help="Be this one of several processes.")
def webclient(workers: int, check: bool, worker: int | None) -> None:
    """Run the web chat.

    People sign in with the Entra ID tenant ENTRA_TENANT_ID by the app registration WEBCLIENT_CLIENT_ID;
    the model is that of AZURE_OPENAI_ENDPOINT or OPENAI_BASE_URL; the tools are those of MCP_SERVER_URL. It
    listens on WEBCLIENT_HOST and WEBCLIENT_PORT; docs/configuration.md has all settings.
    """
    settings = load_settings(WebSettings)
    if check:
        read_exporters(os.environ)
        return
    if workers > 1:
        host, port = settings.host, settings.port
        sys.exit(run_workers(workers, ["webclient"], settings, host=host, port=port, name="webclient"))
    # The advice of MSAL cannot be followed (see `EntraClient.begin`) and does not help an operator.
    warnings.filterwarnings("ignore", message="response_mode='form_post'")
    try:
        sys.exit(_serve(settings, worker))
    except StoreError as error:
        sys.exit(f"webclient: {error}")


def _serve(settings: WebSettings, worker: int | None) -> int:
    """Serve until a signal comes; return the exit code."""
    with instrumented("mcpsecurity-webclient", settings, settings.metrics) as telemetry:
        return run_service(
            partial(_application, settings, telemetry, worker or 0),
            host=settings.host,
            port=settings.port,
            name="webclient",
            reuse_port=worker is not None,
        )


def _application(settings: WebSettings, telemetry: "Telemetry | None", worker: int) -> web.Application:
    from mcpsecurity_webclient.app import create_app  # noqa: PLC0415 - slow: wrong settings are told before it

    if telemetry is None:
        return create_app(settings)
    from semantic_kernel.utils.telemetry.model_diagnostics import decorators  # noqa: PLC0415

    from mcpsecurity.telemetry.scrape import add_metrics_port  # noqa: PLC0415 - optional packages

    # Semantic Kernel's spans of model requests, without prompts and answers (another switch of its).
    decorators.MODEL_DIAGNOSTICS_SETTINGS.enable_otel_diagnostics = telemetry.tracing
    app = create_app(settings, instrumented=True)
    add_metrics_port(app, telemetry, settings.metrics, worker)
    return app
