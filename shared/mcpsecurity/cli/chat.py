"""`mcpsecurity chat`: the chat in a terminal."""

import asyncio
import json
import sys
from typing import Any

import click

from mcpsecurity.client import BridgeError
from mcpsecurity.console.client_document import client_document as document_of
from mcpsecurity.console.program import run_chat
from mcpsecurity.console.settings import ConsoleSettings
from mcpsecurity.kernel.demo import DemoCredential
from mcpsecurity.running_demo import NoDemoError, RunningDemo, find_demo
from mcpsecurity.settings import configure_logging, load_settings, settings_of


@click.command()
@click.option("--device-code", is_flag=True, help="Sign in by a code on any device, not by a browser here.")
@click.option("--local", is_flag=True, help="Join the `mcpsecurity demo` that runs on this machine.")
@click.option("--user", default="alice", show_default=True, help="With --local: alice, bob or guest.")
@click.option("--port-offset", type=int, help="With --local: that of the demo, if several run.")
@click.option("--server", metavar="URL", help="Use this MCP server, in place of MCP_SERVER_URL.")
@click.option(
    "--client-document",
    metavar="URL",
    help="Print the client ID metadata document to publish at this address, and end.",
)
def chat(
    device_code: bool,
    local: bool,
    user: str,
    port_offset: int | None,
    server: str | None,
    client_document: str | None,
) -> None:
    """Chat in the terminal, with the MCP server's tools.

    You sign in with Entra ID, or where the MCP server has people sign in. Each tool call is shown before it
    is made, and answered by y, n, a (always) or e (edit). What tools ask appears as a form, line by line.
    With --local nobody has to sign in to the demo.
    """
    if client_document is not None:
        _print_document(client_document)
        return
    configure_logging("ERROR")
    try:
        demo = find_demo(port_offset) if local else None
        # In a folder with the .env of a deployment, nothing of that reaches the demo.
        chosen = {"mcp_url": server} if server is not None else {}
        settings = (
            load_settings(ConsoleSettings, **chosen)
            if demo is None
            else settings_of(ConsoleSettings, **_of_demo(demo) | chosen)
        )
        who = DemoCredential(demo, user) if demo is not None else None
        asyncio.run(run_chat(settings, device_code=device_code, demo_credential=who))
    except (BridgeError, NoDemoError) as error:
        sys.exit(f"chat: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _print_document(url: str) -> None:
    try:
        click.echo(json.dumps(document_of(url), indent=2))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _of_demo(demo: RunningDemo) -> dict[str, Any]:
    """Return settings for the running demo."""
    authority, _, tenant = demo.authority.rpartition("/")
    return {
        "authority": authority,
        "tenant_id": tenant,
        "client_id": demo.public_client_id,
        "ca_file": demo.ca_file,
        "mcp_url": demo.mcp,
        "scope": demo.scope,
        "azure_openai_endpoint": demo.model_endpoint,
        "deployment": demo.model,
        "azure_openai_api_key": demo.model_key,
    }
