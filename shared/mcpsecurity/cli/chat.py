"""`mcpsecurity chat`: the chat in a terminal."""

import asyncio
import sys
from typing import Any

import click

from mcpsecurity.client import BridgeError
from mcpsecurity.console.program import run_chat
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.localcloud.entra import ids
from mcpsecurity.settings import configure_logging, load_settings

__all__ = ["chat"]

_HTTPS_PORT, _MCP_PORT = 7443, 7133


@click.command()
@click.option("--device-code", is_flag=True, help="Sign in by a code on any device, not by a browser here.")
@click.option("--local", is_flag=True, help="Use the local cloud and server of a running `mcpsecurity demo`.")
@click.option("--port-offset", default=0, show_default=True, help="That of the running `demo`, with --local.")
def chat(device_code: bool, local: bool, port_offset: int) -> None:
    """Chat in the terminal, with the MCP server's tools.

    You sign in with Entra ID; each tool call is shown before it is made, and answered by y, n, a (always) or
    e (edit). What tools ask appears as a form, line by line.
    """
    settings = load_settings(ConsoleSettings, **(_local(port_offset) if local else {}))
    configure_logging("ERROR")
    try:
        asyncio.run(run_chat(settings, device_code=device_code))
    except BridgeError as error:
        sys.exit(f"chat: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _local(offset: int) -> dict[str, Any]:
    """Return settings for the local cloud of a `demo` with this offset."""
    folder = load_settings(LocalCloudSettings)
    cloud = LocalCloud(folder)
    authority = f"https://localhost:{_HTTPS_PORT + offset}"
    return {
        "authority": authority,
        "tenant_id": ids.TENANT_ID,
        "client_id": cloud.public_client_id,
        "ca_file": folder.folder / "ca.pem",
        "mcp_url": f"http://localhost:{_MCP_PORT + offset}/mcp",
        "scope": cloud.scope,
        "openai_base_url": None,
        "azure_openai_endpoint": authority,
        "azure_openai_api_version": None,
        "deployment": cloud.openai_deployment,
        "azure_openai_api_key": cloud.openai_api_key,
    }
