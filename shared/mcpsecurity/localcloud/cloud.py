"""The local cloud: starts and stops all stand-ins, by https everything, by http the pages for browsers."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, Self

from aiohttp import web

from mcpsecurity.localcloud.certificates import Certificates, ensure_certificates
from mcpsecurity.localcloud.entra import (
    SigningKey,
    Tenant,
    Urls,
    add_identity_route,
    add_login_routes,
    add_tenant_routes,
    default_directory,
    ensure_signing_key,
    ids,
)
from mcpsecurity.localcloud.entra.routes import IDENTITY_HEADER, IDENTITY_PATH
from mcpsecurity.localcloud.graph import add_graph_routes
from mcpsecurity.localcloud.openai import MODEL_NAME, ModelEndpoints, add_openai_routes
from mcpsecurity.localcloud.openmeteo import OpenMeteoFaults, add_open_meteo_routes
from mcpsecurity.localcloud.settings import LocalCloudSettings
from mcpsecurity.runtime.service import ServiceRunner

AgentSubject = Literal["itself", "person"]
"""Whether an agent acts for itself or for a person."""

_REASONS = {errno.EADDRINUSE: "another program already uses this port"}
_OPENAI_API_KEY = "local-development-only~openai"


class LocalCloud:
    """Loopback stand-ins for Entra ID, Azure OpenAI, Microsoft Graph and Open-Meteo.

    Use it as an async context manager: it listens inside the `async with`, and the properties are known then.

    Attributes:
        model: Azure OpenAI's endpoints, with their faults.
        weather: the faults of the weather API.

    Raises (on entering):
        OSError: a port is taken (`strerror` says which), or the folder cannot be written.
    """

    openai_api_key = _OPENAI_API_KEY
    """The key that the model's endpoints accept; fixed and public."""
    openai_deployment = MODEL_NAME
    """The name of the offline model's deployment."""
    api_client_id = ids.API_CLIENT_ID
    """The client id of the API registration: the audience of its tokens."""
    api_client_secret = ids.API_CLIENT_SECRET
    """The secret with which the MCP server asks for tokens on behalf of its callers."""
    scope = f"api://{ids.API_CLIENT_ID}/mcp:tools"
    """The scope that clients ask for."""
    web_client_id = ids.WEB_CLIENT_ID
    """The client id of the web client."""
    web_client_secret = ids.WEB_CLIENT_SECRET
    """The development secret of the web client; fixed and public."""
    public_client_id = ids.PUBLIC_CLIENT_ID
    """The client id of the public client."""
    daemon_client_id = ids.DAEMON_CLIENT_ID
    """The client id of the daemon."""
    agent_client_id = ids.AGENT_CLIENT_ID
    """The client id of the agent."""
    agent_client_secret = ids.AGENT_CLIENT_SECRET
    """The development secret of the agent; fixed and public."""
    agent_parent_id = ids.AGENT_PARENT_ID
    """The client id of the agent's parent application."""
    daemon_client_secret = ids.DAEMON_CLIENT_SECRET
    """The development secret of the daemon; fixed and public."""

    def __init__(self, settings: LocalCloudSettings) -> None:
        """Make a local cloud; nothing is started before it is entered."""
        self._settings = settings
        self._resources = AsyncExitStack()
        self._tenant: Tenant | None = None
        self._certificates: Certificates | None = None
        self.model = ModelEndpoints(
            api_key=_OPENAI_API_KEY, pace=settings.model_pace, accepts_token=self._is_for_azure_openai
        )
        self.weather = OpenMeteoFaults()

    async def __aenter__(self) -> Self:
        """Make or load keys and certificates, and listen on both ports."""
        settings = self._settings
        async with AsyncExitStack() as resources:
            certificates, key = await asyncio.to_thread(_prepare, settings.folder)
            https = resources.enter_context(_listen(settings.host, settings.https_port))
            http = resources.enter_context(_listen(settings.host, settings.http_port))
            urls = Urls(https=f"https://localhost:{_port(https)}", http=f"http://localhost:{_port(http)}")
            directory = default_directory(mcp_url=settings.mcp_url, webclient_url=settings.webclient_url)
            self._certificates, self._tenant = certificates, Tenant(directory, key, urls)
            https_site = await _runner(resources, create_https_app(self._tenant, self.model, self.weather))
            http_site = await _runner(resources, create_http_app(self._tenant))
            await web.SockSite(https_site, https, ssl_context=certificates.server_context()).start()
            await web.SockSite(http_site, http).start()
            self._resources = resources.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and close open connections."""
        await self._resources.aclose()

    @property
    def tenant(self) -> Tenant:
        """The tenant, with the switches that make it fail.

        Raises:
            RuntimeError: the cloud has not been entered.
        """
        if self._tenant is None:
            raise RuntimeError("The local cloud is not running: use it as `async with LocalCloud(...)`.")
        return self._tenant

    @property
    def ca_file(self) -> Path:
        """The development authority's certificate (PEM), for clients to trust."""
        if self._certificates is None:
            raise RuntimeError("The local cloud is not running: use it as `async with LocalCloud(...)`.")
        return self._certificates.ca_file

    @property
    def authority(self) -> str:
        """The sign-in host, without a tenant: the value of ENTRA_AUTHORITY."""
        return self.tenant.urls.https

    @property
    def tenant_id(self) -> str:
        """The directory id, a GUID."""
        return self.tenant.tenant_id

    @property
    def issuer(self) -> str:
        """The issuer of every token."""
        return self.tenant.issuer

    @property
    def http_url(self) -> str:
        """The base URL of the login pages."""
        return self.tenant.urls.http

    @property
    def openai_endpoint(self) -> str:
        """The value of AZURE_OPENAI_ENDPOINT."""
        return self.authority

    @property
    def open_meteo_url(self) -> str:
        """The base URL of the weather API: `/v1/forecast` and `/v1/search` are on it."""
        return self.authority

    @property
    def graph_url(self) -> str:
        """The base URL of Microsoft Graph: `/v1.0/me` is on it."""
        return self.authority

    @property
    def identity_environment(self) -> dict[str, str]:
        """Variables by which programs find the managed identity of this machine."""
        return {"IDENTITY_ENDPOINT": f"{self.http_url}{IDENTITY_PATH}", "IDENTITY_HEADER": IDENTITY_HEADER}

    @property
    def users(self) -> list[str]:
        """The sign-in names of the people who can sign in."""
        return list(self.tenant.directory.users)

    def register_mcp_url(self, url: str) -> None:
        """Make `url` the MCP URL that is an identifier URI of the API."""
        self.tenant.directory.register_mcp_url(url)

    def register_webclient_url(self, url: str) -> None:
        """Accept redirects to the web client at `url` too."""
        self.tenant.directory.register_webclient_url(url)

    def access_token(
        self, user: str = "alice@contoso.example", *, agent: AgentSubject | None = None, **claims: Any
    ) -> str:
        """Return a delegated access token of the web client for the MCP server, signed by the current key.

        Args:
            user: a sign-in name.
            agent: `person`: a token of the agent that acts for the user; `itself`: of its own account.
            claims: claims to replace; None removes a claim.

        Raises:
            LookupError: there is no such user.
        """
        directory, tokens = self.tenant.directory, self.tenant.tokens
        person = directory.user(user)
        if person is None:
            raise LookupError(f"The local tenant has no user {user!r}.")
        client = directory.clients[self.web_client_id if agent is None else ids.AGENT_CLIENT_ID]
        if agent == "itself" and client.agent_account is not None:
            person = client.agent_account
        made = tokens.access_claims(person, client, directory.mcp_api, ("mcp:tools",), azpacr="1") | claims
        return tokens.sign({name: value for name, value in made.items() if value is not None})

    def app_token(self, **claims: Any) -> str:
        """Return an app-only access token of the daemon for the MCP server; `claims` as in `access_token`."""
        directory, tokens = self.tenant.directory, self.tenant.tokens
        client = directory.clients[self.daemon_client_id]
        made = tokens.app_claims(client, directory.mcp_api, azpacr="1") | claims
        return tokens.sign({name: value for name, value in made.items() if value is not None})

    def _is_for_azure_openai(self, token: str) -> bool:
        """Return whether a bearer token is valid for Azure OpenAI."""
        claims = self.tenant.tokens.read(token)
        if claims is None or claims["aud"] != ids.COGNITIVE_SERVICES_ID:
            return False
        return bool(claims["nbf"] <= self.tenant.now() < claims["exp"])


def _prepare(folder: Path) -> tuple[Certificates, SigningKey]:
    return ensure_certificates(folder), ensure_signing_key(folder)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror)
        raise OSError(error.errno, f"cannot listen on {host}:{port}: {reason}") from error


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


async def _runner(resources: AsyncExitStack, app: web.Application) -> web.AppRunner:
    runner = ServiceRunner(app, handler_cancellation=True, shutdown_timeout=2.0)
    await runner.setup()
    resources.push_async_callback(runner.cleanup)
    return runner


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def create_https_app(tenant: Tenant, model: ModelEndpoints, weather: OpenMeteoFaults) -> web.Application:
    """Return the application with all services."""
    app = web.Application(middlewares=[refuse_foreign_hosts])
    add_tenant_routes(app, tenant)
    add_graph_routes(app, tenant)
    add_openai_routes(app, model)
    add_open_meteo_routes(app, weather)
    return app


def create_http_app(tenant: Tenant) -> web.Application:
    """Return the application with the pages that a browser sees."""
    app = web.Application(middlewares=[refuse_foreign_hosts])
    add_login_routes(app, tenant)
    add_identity_route(app, tenant)
    return app


@web.middleware
async def refuse_foreign_hosts(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 421 to a request for another host than loopback, as DNS rebinding makes browsers send.

    Any client of the local cloud can sign in as anyone, so web pages of other origins must not reach it.
    """
    if not _is_loopback(request):
        raise web.HTTPMisdirectedRequest(text="The local cloud answers on loopback only.")
    return await handler(request)


def _is_loopback(request: web.Request) -> bool:
    try:
        host = request.url.host or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
