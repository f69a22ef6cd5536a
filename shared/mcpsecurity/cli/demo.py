"""`mcpsecurity demo`: the whole product on one machine, from one command and with no account anywhere."""

import asyncio
import json
import os
import sys
import webbrowser
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import click

from mcpsecurity.cli.demo_model import DemoModel, choose_model
from mcpsecurity.cli.demo_ports import DemoPorts, PortError, usable_ports
from mcpsecurity.cli.demo_servers import (
    OwnServer,
    OwnServers,
    ServerOptionError,
    asker,
    own_servers,
    without_services,
)
from mcpsecurity.cli.demo_services import (
    DemoError,
    Service,
    Unready,
    running_services,
    until_a_needed_one_ends,
    until_ready,
)
from mcpsecurity.cli.demo_welcome import editor_hint, own_command, servers_lines, welcome
from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.model_endpoint import EndpointError, read_endpoint
from mcpsecurity.running_demo import RunningDemo, noted
from mcpsecurity.runtime.command_variables import COMMAND_VARIABLE
from mcpsecurity.runtime.processes import set_on_stop_signal
from mcpsecurity.settings import configure_logging, settings_of

_BY_MAKE = 'make demo ARGS="{}"'
"""How an option is typed by a person who starts the demo by `make`."""


@click.command()
@click.option("--no-browser", is_flag=True, help="Do not open the chat in a browser.")
@click.option("--port-offset", default=0, show_default=True, help="Added to each of the four default ports.")
@click.option("--model-url", help="Base URL of a model of your own, like http://localhost:11434/v1.")
@click.option("--model", help="Name of that model. Its key, if it needs one, is OPENAI_API_KEY.")
@click.option(
    "--mcp-server",
    multiple=True,
    help="MCP server of your own to use, too, as [NAME=]URL or [NAME=]COMMAND; repeatable.",
)
@click.option(
    "--mcp-config",
    type=click.Path(path_type=Path),
    help="File with MCP servers of your own to use, too: of an editor, an assistant or an MCP bundle.",
)
def demo(
    no_browser: bool,
    port_offset: int,
    model_url: str | None,
    model: str | None,
    mcp_server: tuple[str, ...],
    mcp_config: Path | None,
) -> None:
    """Run local cloud, MCP server and web chat together until Ctrl-C.

    When all of them answer, one line is printed: `ready ` and a JSON object that says where everything is.

    The model is the offline one, unless another is named: by options, or by OPENAI_BASE_URL and
    OPENAI_CHAT_MODEL_ID (with OPENAI_API_KEY), or by AZURE_OPENAI_ENDPOINT and
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME, in the environment of this command. MCPSECURITY_MODEL_… then count,
    too. Sign-in and tools stay on this machine. MCP servers of your own get no token, and the keys of
    --mcp-config only; commands run on this machine, with the variables of this one.

    Settings for a real tenant, in the environment or in .env, are left aside, and with them the model of an
    environment that has ENTRA_TENANT_ID, MCP_SERVER_CLIENT_ID or WEBCLIENT_CLIENT_ID. Two more variables
    count: LOCALCLOUD_FOLDER (keys and certificates) and MCPSECURITY_LOG_LEVEL.
    """
    if (model_url is None) != (model is None):
        raise click.UsageError("--model-url and --model belong together")
    if model_url is not None:
        try:
            read_endpoint(model_url)
        except EndpointError as error:
            raise click.BadParameter(str(error), param_hint="--model-url") from error
    try:
        servers = own_servers(mcp_server, mcp_config, asker())
    except ServerOptionError as error:
        raise click.UsageError(str(error)) from error
    configure_logging("WARNING")
    chosen = choose_model(os.environ, model_url, model)
    try:
        asyncio.run(_demo(port_offset, chosen, servers, open_browser=not no_browser))
    except (DemoError, PortError) as error:
        sys.exit(f"demo: {error}")
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        helps = " Set LOCALCLOUD_FOLDER to a folder that can be written." if error.filename else ""
        sys.exit(f"demo: {where}{error.strerror or error}.{helps}")


async def _demo(offset: int, model: DemoModel, own: OwnServers, *, open_browser: bool) -> None:
    stopped = asyncio.Event()
    set_on_stop_signal(stopped)
    ports = usable_ports(offset, typed=_BY_MAKE if "MAKELEVEL" in os.environ else "{}")
    settings = _cloud_settings(ports)
    webclient, mcp = settings.webclient_url, settings.mcp_url
    click.echo("Starting the local cloud, the MCP server and the web chat …", err=True)
    async with (
        LocalCloud(settings) as cloud,
        running_services(
            _environment(os.environ, cloud, settings, ports),
            [
                *(_gateway(server) for server in own.servers if server.command),
                Service("server", "MCP server", _health(mcp)),
                _chat(webclient, model, cloud, own.servers),
            ],
        ) as running,
    ):
        stop = asyncio.ensure_future(stopped.wait())
        ready = asyncio.ensure_future(until_ready(running))
        ended = asyncio.ensure_future(until_a_needed_one_ends(running))
        try:
            await asyncio.wait([stop, ready], return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                own_lines = _own_lines(own, ready.result())
                with noted(here := _running(cloud, webclient, mcp), settings.folder):
                    click.echo(
                        welcome(webclient, mcp, cloud.users, offset, model.remark, own_lines), err=True
                    )
                    click.echo("ready " + json.dumps(_summary(here, cloud.daemon_client_id)))
                    if open_browser:
                        _open(webclient)
                    await asyncio.wait([stop, ended], return_when=asyncio.FIRST_COMPLETED)
                if not stopped.is_set():
                    ended.result()
        finally:
            for task in (stop, ready, ended):
                task.cancel()
            await asyncio.gather(stop, ready, ended, return_exceptions=True)


def _cloud_settings(ports: DemoPorts) -> LocalCloudSettings:
    folder = os.environ.get("LOCALCLOUD_FOLDER")
    return settings_of(
        LocalCloudSettings,
        **({"folder": folder} if folder else {}),
        https_port=ports.https,
        http_port=ports.http,
        mcp_url=f"http://localhost:{ports.mcp}/mcp",
        webclient_url=f"http://localhost:{ports.webclient}",
    )


def _environment(
    ambient: Mapping[str, str], cloud: LocalCloud, settings: LocalCloudSettings, ports: DemoPorts
) -> dict[str, str]:
    """Return what configures the services against a real tenant, pointing at the local cloud."""
    return {
        **without_services(ambient),
        "NO_PROXY": "*",
        "no_proxy": "*",  # which counts before the other
        "ENTRA_AUTHORITY": cloud.authority,
        "ENTRA_TENANT_ID": cloud.tenant_id,
        "MCPSECURITY_CA_FILE": str(cloud.ca_file.absolute()),
        "MCPSECURITY_LOG_LEVEL": ambient.get("MCPSECURITY_LOG_LEVEL") or "WARNING",
        "MCP_SERVER_URL": settings.mcp_url,
        "MCP_SERVER_PORT": str(ports.mcp),
        "MCP_SERVER_CLIENT_ID": cloud.api_client_id,
        "MCP_SERVER_APP_ID_URI": settings.mcp_url,
        "MCP_SERVER_SCOPE": cloud.scope,
        "OPEN_METEO_FORECAST_URL": cloud.open_meteo_url,
        "OPEN_METEO_GEOCODING_URL": cloud.open_meteo_url,
        "WEBCLIENT_URL": settings.webclient_url,
        "WEBCLIENT_PORT": str(ports.webclient),
        "WEBCLIENT_DATABASE_URL": f"sqlite:///{_conversations(settings, ports)}",
        "WEBCLIENT_CLIENT_ID": cloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": cloud.web_client_secret,
    }


def _running(cloud: LocalCloud, webclient: str, mcp: str) -> RunningDemo:
    return RunningDemo(
        webclient=webclient,
        mcp=mcp,
        authority=f"{cloud.authority}/{cloud.tenant_id}",
        ca_file=str(cloud.ca_file.absolute()),
        tenant_id=cloud.tenant_id,
        scope=cloud.scope,
        users=cloud.users,
        public_client_id=cloud.public_client_id,
        model_endpoint=cloud.openai_endpoint,
        model=cloud.openai_deployment,
        model_key=cloud.openai_api_key,
    )


def _summary(here: RunningDemo, daemon_client_id: str) -> dict[str, object]:
    """Return what the line `ready` says: what the note of the demo has, but for the model."""
    said = {name: value for name, value in asdict(here).items() if not name.startswith("model")}
    return said | {"daemon_client_id": daemon_client_id}


def _conversations(settings: LocalCloudSettings, ports: DemoPorts) -> Path:
    """Return the demo's own file of conversations: a person's real ones are elsewhere."""
    return (settings.folder / f"conversations-{ports.webclient}.sqlite3").absolute()


def _open(webclient: str) -> None:
    """Open the chat in a browser, if there is a screen."""
    has_screen = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if has_screen:
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, webclient)


def _chat(webclient: str, model: DemoModel, cloud: LocalCloud, servers: list[OwnServer]) -> Service:
    """Return the web chat; only it gets the model, and the person's own MCP servers."""
    entries = [server.setting(cloud.scope) for server in servers]
    settings = model.settings(cloud, os.environ) | {"WEBCLIENT_MCP_SERVERS": json.dumps(entries)}
    return Service("webclient", "web chat", f"{webclient}/health", settings)


def _own_lines(own: OwnServers, unready: Unready) -> list[str]:
    titles = [server.title for server in own.servers]
    lines = servers_lines(titles, own.left_out, unready.late, unready.ended)
    return lines or editor_hint(_BY_MAKE if "MAKELEVEL" in os.environ else f"{own_command()} demo {{}}")


def _gateway(server: OwnServer) -> Service:
    """Return the service that serves a command at its address, for the tokens of the demo."""
    own = without_services(os.environ)
    names = [argument for name in {*own, *server.variables} for argument in ("--env", name)]
    given = {COMMAND_VARIABLE + name: value for name, value in server.variables.items()}
    return Service(
        "server",
        server.title,
        _health(server.url),
        {**given, "MCP_SERVER_PORT": str(urlsplit(server.url).port)},
        (*names, "--folder", str(server.folder), "--name", server.title, "--", *server.command),
        optional=server.optional,
    )


def _health(url: str) -> str:
    return url.removesuffix("/mcp") + "/health"
