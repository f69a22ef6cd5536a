"""`mcpsecurity demo`: the whole product on one machine, from one command and with no account anywhere."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import webbrowser
from collections.abc import AsyncIterator, Mapping

import aiohttp
import click

from mcpsecurity.cli.demo_model import DemoModel, choose_model
from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.model_endpoint import EndpointError, read_endpoint
from mcpsecurity.settings import configure_logging, settings_of

__all__ = ["demo"]

READY_TIMEOUT = 60.0
"""Seconds until a service that does not answer counts as failed."""

STOP_TIMEOUT = 4.0
"""Seconds a service gets to end by itself before it is killed."""

WEBCLIENT_PORT, MCP_PORT, HTTPS_PORT, HTTP_PORT = 5001, 7133, 7443, 7080


_OF_SERVICES = (
    *("AZURE_", "ENTRA_", "FASTMCP_", "LOCALCLOUD_", "MCP_SERVER_", "MCPSECURITY_", "MICROSOFT_GRAPH_"),
    *("OPENAI_", "OPEN_METEO_", "OTEL_", "WEBCLIENT_"),
)
"""How variables begin that configure services, perhaps for a real tenant; the demo sets its own."""


class _DemoError(Exception):
    """The demo cannot go on; the message says why."""


@click.command()
@click.option("--no-browser", is_flag=True, help="Do not open the chat in a browser.")
@click.option("--port-offset", default=0, show_default=True, help="Added to each of the four default ports.")
@click.option("--model-url", help="Base URL of a model of your own, like http://localhost:11434/v1.")
@click.option("--model", help="Name of that model. Its key, if it needs one, is OPENAI_API_KEY.")
def demo(no_browser: bool, port_offset: int, model_url: str | None, model: str | None) -> None:
    """Run local cloud, MCP server and web chat together until Ctrl-C.

    When all of them answer, one line is printed: `ready ` and a JSON object that says where everything is.

    The model is the offline one, unless another is named: by options, or by OPENAI_BASE_URL and
    OPENAI_CHAT_MODEL_ID (with OPENAI_API_KEY), or by AZURE_OPENAI_ENDPOINT and
    AZURE_OPENAI_CHAT_DEPLOYMENT_NAME, in the environment of this command. MCPSECURITY_MODEL_… then count,
    too. Sign-in and tools stay on this machine.

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
    configure_logging("WARNING")
    chosen = choose_model(os.environ, model_url, model)
    try:
        asyncio.run(_demo(port_offset, chosen, open_browser=not no_browser))
    except (_DemoError, OSError) as error:
        sys.exit(f"demo: {(isinstance(error, OSError) and error.strerror) or error}")


async def _demo(offset: int, model: DemoModel, *, open_browser: bool) -> None:
    stopped = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, stopped.set)
    webclient = f"http://localhost:{WEBCLIENT_PORT + offset}"
    mcp = f"http://localhost:{MCP_PORT + offset}/mcp"
    folder = os.environ.get("LOCALCLOUD_FOLDER")
    settings = settings_of(
        LocalCloudSettings,
        **({"folder": folder} if folder else {}),
        https_port=HTTPS_PORT + offset,
        http_port=HTTP_PORT + offset,
        mcp_url=mcp,
        webclient_url=webclient,
    )
    async with (
        LocalCloud(settings) as cloud,
        _services(
            _environment(os.environ, cloud, webclient, mcp, offset), model.settings(cloud, os.environ)
        ) as running,
    ):
        ended = [asyncio.ensure_future(process.wait()) for process in running]
        stop = asyncio.ensure_future(stopped.wait())
        ready = asyncio.ensure_future(
            _all_answer([mcp.removesuffix("/mcp") + "/health", webclient + "/health"])
        )
        try:
            await asyncio.wait([stop, ready, *ended], return_when=asyncio.FIRST_COMPLETED)
            _raise_if_ended(running)
            if ready.done():
                ready.result()
                click.echo("ready " + json.dumps(_summary(cloud, webclient, mcp)))
                _welcome(cloud, webclient, model.remark, open_browser=open_browser)
                await asyncio.wait([stop, *ended], return_when=asyncio.FIRST_COMPLETED)
                _raise_if_ended(running, unless=stopped.is_set())
        finally:
            for task in (stop, ready, *ended):
                task.cancel()
            await asyncio.gather(stop, ready, *ended, return_exceptions=True)


def _environment(
    ambient: Mapping[str, str], cloud: LocalCloud, webclient: str, mcp: str, offset: int
) -> dict[str, str]:
    """Return what configures the services against a real tenant, pointing at the local cloud."""
    return {
        **{key: value for key, value in ambient.items() if not key.upper().startswith(_OF_SERVICES)},
        "NO_PROXY": "*",
        "no_proxy": "*",  # which counts before the other
        "ENTRA_AUTHORITY": cloud.authority,
        "ENTRA_TENANT_ID": cloud.tenant_id,
        "MCPSECURITY_CA_FILE": str(cloud.ca_file.absolute()),
        "MCPSECURITY_LOG_LEVEL": ambient.get("MCPSECURITY_LOG_LEVEL") or "WARNING",
        "MCP_SERVER_URL": mcp,
        "MCP_SERVER_PORT": str(MCP_PORT + offset),
        "MCP_SERVER_CLIENT_ID": cloud.api_client_id,
        "MCP_SERVER_APP_ID_URI": mcp,
        "MCP_SERVER_SCOPE": cloud.scope,
        "OPEN_METEO_FORECAST_URL": cloud.open_meteo_url,
        "OPEN_METEO_GEOCODING_URL": cloud.open_meteo_url,
        "WEBCLIENT_URL": webclient,
        "WEBCLIENT_PORT": str(WEBCLIENT_PORT + offset),
        "WEBCLIENT_CLIENT_ID": cloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": cloud.web_client_secret,
    }


def _summary(cloud: LocalCloud, webclient: str, mcp: str) -> dict[str, object]:
    return {
        "webclient": webclient,
        "mcp": mcp,
        "authority": f"{cloud.authority}/{cloud.tenant_id}",
        "ca_file": str(cloud.ca_file),
        "tenant_id": cloud.tenant_id,
        "scope": cloud.scope,
        "users": cloud.users,
        "public_client_id": cloud.public_client_id,
        "daemon_client_id": cloud.daemon_client_id,
    }


def _welcome(cloud: LocalCloud, webclient: str, remark: str, *, open_browser: bool) -> None:
    if remark:
        click.echo(remark, err=True)
    click.echo(
        f"Open {webclient} and sign in as {cloud.users[0]}; no password is asked. Ctrl-C ends.", err=True
    )
    has_screen = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if open_browser and has_screen:
        asyncio.get_running_loop().run_in_executor(None, webbrowser.open, webclient)


@contextlib.asynccontextmanager
async def _services(
    environment: dict[str, str], model: dict[str, str]
) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Run each service as a process of its own, in a folder without a `.env`, and end them all on leaving.
    Only the web client gets the settings of the model."""
    running: list[asyncio.subprocess.Process] = []
    folder = tempfile.TemporaryDirectory(prefix="mcpsecurity-demo-")
    try:
        for name, more in (("server", {}), ("webclient", model)):
            command = (sys.executable, "-m", "mcpsecurity", name)
            running.append(
                await asyncio.create_subprocess_exec(
                    *command, cwd=folder.name, env=environment | more, stdin=asyncio.subprocess.DEVNULL
                )
            )
        yield running
    finally:
        await asyncio.gather(*map(_end, running))
        folder.cleanup()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT)
    except TimeoutError:
        process.kill()
        await process.wait()


def _raise_if_ended(running: list[asyncio.subprocess.Process], *, unless: bool = False) -> None:
    if not unless and any(process.returncode is not None for process in running):
        raise _DemoError("a service has ended by itself; its message is above.")


async def _all_answer(urls: list[str]) -> None:
    """Wait until each address answers with anything but a server error."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                await asyncio.gather(*(_answers(session, url) for url in urls))
        except TimeoutError:
            raise _DemoError(f"no answer within {READY_TIMEOUT:.0f} s from {' or '.join(urls)}") from None


async def _answers(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(url, allow_redirects=False) as response:
                if response.status < 500:
                    return
        await asyncio.sleep(0.05)
