"""`mcpsecurity token`: an access token of the local tenant, fetched as a client fetches it."""

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import aiohttp
import click

from mcpsecurity.cli.demo_ports import DemoPorts
from mcpsecurity.localcloud import LocalCloudSettings, local_cloud_here
from mcpsecurity.localcloud.entra import Directory, default_directory, ids
from mcpsecurity.running_demo import RefusedError, redeem, sign_in
from mcpsecurity.runtime.tls import client_ssl_context

_API = f"api://{ids.API_CLIENT_ID}"
_AGENT = {"client_id": ids.AGENT_CLIENT_ID, "client_secret": ids.AGENT_CLIENT_SECRET}
_NOBODY = "AADSTS50034"
_TIMEOUT = aiohttp.ClientTimeout(total=20)


class _TokenError(Exception):
    """There is no token to print; the message says why."""


@click.command()
@click.option("--user", metavar="NAME", help="Sign-in name of the person, e.g. alice@contoso.example.")
@click.option("--daemon", is_flag=True, help="An app-only token of the daemon, which the server refuses.")
@click.option(
    "--agent",
    is_flag=True,
    help="An agent's token: with --user of one that acts for this person, else of its own account.",
)
@click.option(
    "--port-offset",
    type=int,
    help="That of the running `demo`; without it, LOCALCLOUD_HTTPS_PORT says where the local cloud is.",
)
def token(user: str | None, daemon: bool, agent: bool, port_offset: int | None) -> None:
    """Print an access token of the running local tenant for the MCP server.

    For trying requests out: `curl -H "Authorization: Bearer $(mcpsecurity token --user alice)" …`. The tokens
    open nothing but services that trust this machine's local cloud.
    """
    if (user is None and not agent) is not daemon:
        raise click.UsageError("Say either --user NAME, --agent, both of them, or --daemon.")
    settings = local_cloud_here()
    port = settings.https_port if port_offset is None else DemoPorts().https + port_offset
    try:
        name = user and _sign_in_name(settings, user)
        click.echo(asyncio.run(_fetch(settings, port, partial(_requested, user=name, agent=agent))))
    except _TokenError as error:
        click.echo(f"token: {error}", err=True)
        sys.exit(1)


def _sign_in_name(settings: LocalCloudSettings, name: str) -> str:
    """Complete the part before the @ of one of the tenant's people; another name stays as it is."""
    users = _directory(settings).users
    return next((full for full in users if full.partition("@")[0] == name.lower()), name)


def _refusal(settings: LocalCloudSettings, error: RefusedError) -> str:
    if _NOBODY in str(error):
        return (
            f"the local tenant has nobody of this name: write one of {', '.join(_directory(settings).users)}."
        )
    return f"the tenant refuses: {error}"


def _directory(settings: LocalCloudSettings) -> Directory:
    return default_directory(mcp_url=settings.mcp_url, webclient_url=settings.webclient_url)


async def _requested(http: aiohttp.ClientSession, *, user: str | None, agent: bool) -> str:
    if user is not None:
        return await _of_person(http, user, _AGENT if agent else {"client_id": ids.PUBLIC_CLIENT_ID})
    return await (_of_agent(http) if agent else _of_daemon(http))


async def _fetch(
    settings: LocalCloudSettings, port: int, get: Callable[[aiohttp.ClientSession], Awaitable[str]]
) -> str:
    authority = f"https://localhost:{port}"
    nobody = (
        f"no local cloud answers at {authority}: start one by `mcpsecurity demo` or `mcpsecurity localcloud`."
    )
    try:
        trusted = client_ssl_context(settings.folder / "ca.pem")
        async with aiohttp.ClientSession(
            f"{authority}/{ids.TENANT_ID}/oauth2/v2.0/",
            connector=aiohttp.TCPConnector(ssl=trusted),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_TIMEOUT,
        ) as http:
            return await get(http)
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        raise _TokenError(
            f"{authority} is not the local cloud whose keys are in {settings.folder}."
        ) from error
    except RefusedError as error:
        raise _TokenError(_refusal(settings, error)) from error
    except (FileNotFoundError, aiohttp.ClientConnectorError, TimeoutError) as error:
        raise _TokenError(nobody) from error
    except (aiohttp.ClientError, LookupError, ValueError) as error:
        raise _TokenError(f"{authority} does not answer as a tenant: {error}") from error


async def _of_daemon(http: aiohttp.ClientSession) -> str:
    """Fetch an app-only token by client credentials (RFC 6749 4.4)."""
    return await _redeem(
        http,
        grant_type="client_credentials",
        client_id=ids.DAEMON_CLIENT_ID,
        client_secret=ids.DAEMON_CLIENT_SECRET,
        scope=f"{_API}/.default",
    )


async def _of_agent(http: aiohttp.ClientSession) -> str:
    """Fetch a token of the agent's own user account."""
    account = _directory(local_cloud_here()).clients[ids.AGENT_CLIENT_ID].agent_account
    if account is None:
        raise LookupError("the agent has no account")
    return await _redeem(http, grant_type="user_fic", **_AGENT, user_id=account.oid, scope=f"{_API}/.default")


async def _of_person(http: aiohttp.ClientSession, user: str, client: Mapping[str, str]) -> str:
    """Fetch a delegated token of a client, without a page."""
    return str((await sign_in(http, client, f"{_API}/mcp:tools", user))["access_token"])


async def _redeem(http: aiohttp.ClientSession, **form: str) -> str:
    return str((await redeem(http, **form))["access_token"])
