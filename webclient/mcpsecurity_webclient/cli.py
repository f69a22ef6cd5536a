"""`mcpsecurity webclient`: the web chat as a process, configured by the environment."""

import sys
import warnings

import click

from mcpsecurity.correlation import correlation_fields
from mcpsecurity.scaling.workers import run_workers
from mcpsecurity.service import run_service
from mcpsecurity.settings import configure_logging, load_settings
from mcpsecurity_webclient.settings import WebSettings
from mcpsecurity_webclient.store import StoreError

__all__ = ["webclient"]


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), default=1, help="Processes; several need a Redis.")
@click.option("--worker", is_flag=True, hidden=True, help="Be one of several processes.")
def webclient(workers: int, worker: bool) -> None:
    """Run the web chat.

    People sign in with the Entra ID tenant ENTRA_TENANT_ID by the app registration WEBCLIENT_CLIENT_ID;
    the model is the deployment AZURE_OPENAI_CHAT_DEPLOYMENT_NAME; the tools are those of MCP_SERVER_URL.
    """
    settings = load_settings(WebSettings)
    configure_logging(settings.log_level, settings.log_format, [correlation_fields])
    host, port = settings.host, settings.port
    if workers > 1:
        sys.exit(
            run_workers(workers, ["webclient", "--worker"], settings, host=host, port=port, name="webclient")
        )
    # MSAL's advice cannot be followed (see `EntraClient.begin`), and is no news to whoever runs this.
    warnings.filterwarnings("ignore", message="response_mode='form_post'")
    from mcpsecurity_webclient.app import create_app  # noqa: PLC0415 - slow: wrong settings are told before it

    try:
        code = run_service(
            lambda: create_app(settings), host=host, port=port, name="webclient", reuse_port=worker
        )
    except StoreError as error:
        sys.exit(f"webclient: {error}")
    sys.exit(code)
