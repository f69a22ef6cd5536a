"""`mcpsecurity chat`: the chat in a terminal."""

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from mcpsecurity.cli.demo_model import choose_model
from mcpsecurity.cli.demo_servers import OwnServer, ServerOptionError, asker, own_servers, without_services
from mcpsecurity.cli.demo_welcome import servers_lines
from mcpsecurity.client import BridgeError, Command
from mcpsecurity.client.oauth import ClientId
from mcpsecurity.console.access import Tenant
from mcpsecurity.console.client_document import client_document as document_of
from mcpsecurity.console.program import run_chat
from mcpsecurity.console.servers import SINGLE, ChatServer
from mcpsecurity.console.settings import LOCAL_SERVER, ConsoleSettings, TenantSettings
from mcpsecurity.environment import variable
from mcpsecurity.kernel.demo import DemoCredential
from mcpsecurity.running_demo import NoDemoError, RunningDemo, find_demo
from mcpsecurity.settings import SettingsError, configure_logging, load_settings, settings_of

_WITHOUT_A_MODEL = (
    "Without a model of your own: start `mcpsecurity demo`, and add --local here. Its offline model answers "
    "by rules."
)
_WHICH_SERVER = """\
Which MCP server? For example:
  mcpsecurity chat -- npx -y @modelcontextprotocol/server-everything
  mcpsecurity chat --server https://HOST/mcp
  mcpsecurity chat --local            (that of the `mcpsecurity demo` which runs on this machine)
For a server behind Entra ID set MCP_SERVER_URL, ENTRA_TENANT_ID, CONSOLE_CLIENT_ID and MCP_SERVER_SCOPE."""


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--device-code", is_flag=True, help="Sign in by a code on any device, not by a browser here.")
@click.option("--local", is_flag=True, help="Join the `mcpsecurity demo` that runs on this machine.")
@click.option("--user", default="alice", show_default=True, help="With --local: alice, bob or guest.")
@click.option("--port-offset", type=int, help="With --local: that of the demo, if several run.")
@click.option(
    "--server",
    "options",
    multiple=True,
    metavar="[NAME=]URL",
    help="Use this MCP server, in place of MCP_SERVER_URL; repeatable.",
)
@click.option(
    "--mcp-config",
    type=click.Path(path_type=Path),
    help="Use the MCP servers of this file: the mcp.json of an editor.",
)
@click.option(
    "--env", "names", multiple=True, metavar="NAME", help="A variable that COMMAND gets; repeatable."
)
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Where COMMAND runs."
)
@click.option(
    "--client-document",
    metavar="URL",
    help="Print the client ID metadata document to publish at this address, and end.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def chat(
    device_code: bool,
    local: bool,
    user: str,
    port_offset: int | None,
    options: tuple[str, ...],
    mcp_config: Path | None,
    names: tuple[str, ...],
    folder: Path | None,
    client_document: str | None,
    command: tuple[str, ...],
) -> None:
    """Chat in the terminal, with the MCP server's tools.

    The model is that of OPENAI_BASE_URL or OPENAI_API_KEY with OPENAI_CHAT_MODEL_ID, or of
    AZURE_OPENAI_ENDPOINT; with --local and none of these, the offline one of the demo.

    With COMMAND, after `--`, the MCP server is a command with the stdio transport, such as
    `npx -y @modelcontextprotocol/server-everything`. It runs on this machine until the chat ends, with the
    variables that --env names and a few that programs need, such as PATH. Servers may be combined.

    You sign in where the MCP server has people sign in, if it wants that: with Entra ID, or elsewhere. With
    --local nobody has to sign in to the demo. Each tool call is shown before it is made, and answered by y,
    n, a (always) or e (edit). What tools ask appears as a form, line by line. Ctrl-C stops an answer.
    """
    if client_document is not None:
        _print_document(client_document)
        return
    if (names or folder) and not command:
        raise click.UsageError("--env and --folder are for COMMAND, which comes last, after `--`")
    configure_logging("ERROR")
    try:
        own = own_servers(options, mcp_config, asker())
        for line in servers_lines([server.title for server in own.servers], own.left_out)[1:]:
            click.echo(line, err=True)
        servers = _servers(own.servers, _command(command, names, folder))
        demo = find_demo(port_offset) if local else None
        settings, tenant_settings = _settings(demo, is_given=bool(servers))
        who = DemoCredential(demo, user) if demo is not None else None
        tenant = Tenant(tenant_settings, device_code, None, who) if tenant_settings is not None else None
        asyncio.run(run_chat(settings, servers or [_configured(settings, tenant)], tenant))
    except ServerOptionError as error:
        raise click.UsageError(str(error)) from error
    except (BridgeError, NoDemoError) as error:
        sys.exit(f"chat: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _command(command: tuple[str, ...], names: tuple[str, ...], folder: Path | None) -> Command | None:
    return Command(command, _variables(names), folder) if command else None


def _variables(names: tuple[str, ...]) -> dict[str, str]:
    if missing := [name for name in names if name not in os.environ]:
        raise click.UsageError(f"--env: {', '.join(missing)} is not set")
    return {name: os.environ[name] for name in names}


def _servers(own: Sequence[OwnServer], command: Command | None) -> list[ChatServer]:
    """Return the servers that the person names. The plugin of a single one is named as ever."""
    servers = [_server(server) for server in own]
    if command is not None:
        servers.append(ChatServer(command, "Command"))
    return servers if len(servers) != 1 else [replace(servers[0], plugin=SINGLE)]


def _server(server: OwnServer) -> ChatServer:
    more: Any = server.more
    target: str | Command = server.url
    if server.command:
        variables = {**without_services(os.environ), **server.variables}
        target = Command(server.command, variables, server.folder, name=server.title)
    return ChatServer(
        target,
        server.name.replace("-", "_"),
        headers=more.get("headers", {}),
        include=more.get("include"),
        exclude=more.get("exclude", ()),
        client=ClientId(more["client_id"], more.get("client_secret")) if "client_id" in more else None,
    )


def _configured(settings: ConsoleSettings, tenant: Tenant | None) -> ChatServer:
    """Return the server of the settings."""
    return ChatServer(settings.mcp_url or LOCAL_SERVER, configured=tenant is not None)


def _settings(demo: RunningDemo | None, *, is_given: bool) -> tuple[ConsoleSettings, TenantSettings | None]:
    """Return the settings, and those of the tenant, which servers that the person names can do without.

    In a folder with the .env of a deployment, nothing of that reaches the demo.
    """
    if demo is not None:
        common = {"ca_file": demo.ca_file}
        return (
            _beside(demo, mcp_url=demo.mcp, **common),
            settings_of(TenantSettings, **_tenant_of_demo(demo), **common),
        )
    tenant = None
    if variable("ENTRA_TENANT_ID") is not None:
        try:
            tenant = load_settings(TenantSettings)
        except SettingsError:
            if not is_given:
                raise
    elif not is_given and variable("MCP_SERVER_URL") is None:
        raise click.UsageError(_WHICH_SERVER)
    try:
        return load_settings(ConsoleSettings), tenant
    except SettingsError as error:
        raise SettingsError(f"{error}\n{_WITHOUT_A_MODEL}") from error


def _print_document(url: str) -> None:
    try:
        click.echo(json.dumps(document_of(url), indent=2))
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _beside(demo: RunningDemo, **common: Any) -> ConsoleSettings:
    """Return settings with the model that the environment names, as for the demo, or with the offline one."""
    chosen = choose_model(os.environ)
    if chosen.remark:
        click.echo(chosen.remark, err=True)
    if chosen.environment is not None:
        none = dict.fromkeys(("client_document", "oauth_client_id", "oauth_client_secret", "oauth_issuer"))
        return load_settings(ConsoleSettings, _env_file=None, **none, **common)
    return settings_of(
        ConsoleSettings,
        azure_openai_endpoint=demo.model_endpoint,
        deployment=demo.model,
        azure_openai_api_key=demo.model_key,
        **common,
    )


def _tenant_of_demo(demo: RunningDemo) -> dict[str, Any]:
    authority, _, tenant = demo.authority.rpartition("/")
    return {
        "authority": authority,
        "tenant_id": tenant,
        "client_id": demo.public_client_id,
        "scope": demo.scope,
    }
