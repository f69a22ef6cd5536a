"""`mcpsecurity localcloud`: the loopback stand-ins for Entra ID, Azure OpenAI, Graph and Open-Meteo."""

import asyncio
import sys

import click

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.processes import set_on_stop_signal
from mcpsecurity.settings import configure_logging, load_settings


@click.command()
def localcloud() -> None:
    """Run the local cloud: Entra ID, Azure OpenAI answered by rules, Graph and weather.

    For development and tests only: anyone who can reach it can sign in as anyone. It listens on loopback.
    """
    settings = load_settings(LocalCloudSettings)
    configure_logging(settings.log_level)
    try:
        asyncio.run(_run(settings))
    except OSError as error:
        sys.exit(f"localcloud: {error.strerror or error}")


async def _run(settings: LocalCloudSettings) -> None:
    stopped = asyncio.Event()
    set_on_stop_signal(stopped)
    async with LocalCloud(settings) as cloud:
        click.echo(
            f"local cloud: authority {cloud.authority}/{cloud.tenant_id}, login pages {cloud.http_url}"
        )
        click.echo(f"local cloud: trust {cloud.ca_file}")
        await stopped.wait()
