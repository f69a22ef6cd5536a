"""The local stack: the local cloud and MCP servers behind it, in a thread of their own."""

import contextlib
import socket
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.localcloud.entra.directory import User
from mcpsecurity.runtime.loopback import free_port
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.settings import settings_of
from mcpsecurity.testing.background import BackgroundLoop
from mcpsecurity.testing.command import RunningCommand, ServerCommand
from mcpsecurity.testing.faults import FaultSwitches
from mcpsecurity.testing.hosting import (
    Cleanup,
    is_asgi,
    is_factory,
    serve_asgi,
    serve_protected,
    serve_web,
)
from mcpsecurity.testing.scripted import ScriptedModel
from mcpsecurity.testing.served import ServedMcp
from mcpsecurity.testing.tokens import AccessTokens
from mcpsecurity.testing.web_chat import WebChat

if TYPE_CHECKING:
    from mcpsecurity.kernel.model import ChatModel
    from mcpsecurity.testing.credential import LocalCredential

Served = FastMCP[Any] | web.Application | ServerCommand | str | Callable[..., Any]
"""What can be served for a test."""

_OF_ANOTHER_MODEL = (
    *("WEBCLIENT_MODELS", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_CHAT_MODEL_ID"),
    *("AZURE_OPENAI_API_VERSION", "AZURE_OPENAI_TOKEN_SCOPE"),
)


class LocalStack:
    """Runs while the `with` lasts, or from `start` to `stop`, on free ports of loopback.

    The environment and a `.env` change nothing: all settings are given here or to `serve`.

    Everything runs in an event loop in a thread of its own, so that sync code, any test framework and a
    notebook can use it alike.

    Args:
        folder: keeps certificates and keys between runs; None makes a temporary one.

    Attributes (once it runs):
        cloud: the local cloud; its addresses and registrations can be read, its methods belong to its thread.
        tokens: makes access tokens.
        faults: makes things fail.
        model: what the model will say, and what it was asked.
    """

    cloud: LocalCloud
    tokens: AccessTokens
    faults: FaultSwitches
    model: ScriptedModel

    def __init__(self, *, folder: Path | None = None) -> None:
        self._folder = folder
        self._exit = contextlib.ExitStack()
        self._loop: BackgroundLoop | None = None

    def start(self) -> Self:
        """Start; the same as entering it."""
        with contextlib.ExitStack() as undo:
            folder = self._folder or Path(undo.enter_context(tempfile.TemporaryDirectory()))
            self._loop = loop = BackgroundLoop("mcpsecurity local stack")
            undo.callback(loop.close)
            settings = settings_of(LocalCloudSettings, https_port=0, http_port=0, folder=folder, model_pace=0)
            self.cloud = loop.run(LocalCloud(settings).__aenter__())
            undo.callback(lambda: loop.run(self.cloud.__aexit__(None, None, None)))
            self.tokens = AccessTokens(self.cloud)
            self.faults = FaultSwitches(self.cloud, loop)
            self.model = ScriptedModel(self.cloud.model.script)
            self._exit = undo.pop_all()
        return self

    def stop(self) -> None:
        """Stop all that runs. May be called twice."""
        self._exit.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def serve(self, mcp: Served | None = None, **settings: Any) -> ServedMcp:
        """Serve the program under test, and return it with clients that are signed in.

        Args:
            mcp: a FastMCP instance, which is served behind access tokens, as this product's own tools are for
                None; an application of aiohttp or of ASGI, or a function that makes it from the environment
                of `environment_of`; a `ServerCommand`; the address of a server that runs already.
            settings: for FastMCP instances and None, fields of the server's settings by their names, for
                example `tool_scopes={"delete": ("mcp:admin",)}`.

        Raises:
            SettingsError: a setting is wrong or unknown.
            RuntimeError: a command ended, or did not listen in time.
            TypeError: it is nothing of these.
        """
        if self._loop is None:
            raise RuntimeError("The local stack is not running: use it as `with LocalStack() as stack`.")
        if settings and not (mcp is None or isinstance(mcp, FastMCP)):
            raise TypeError("Only FastMCP instances are served with settings; others have their own.")
        if isinstance(mcp, str):
            return self._served(mcp, lambda: None)
        if isinstance(mcp, ServerCommand):
            return self._serve_command(mcp)
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        try:
            cleanup = self._loop.run(self._start(mcp, listener, url, settings))
        except BaseException:
            listener.close()
            raise
        return self._served(url, lambda: self._clean_up(cleanup))

    async def _start(
        self, mcp: Any, listener: socket.socket, url: str, settings: Mapping[str, Any]
    ) -> Cleanup:
        if is_factory(mcp):
            mcp = mcp(self.environment_of(url))
        if isinstance(mcp, web.Application):
            return await serve_web(mcp, listener)
        if is_asgi(mcp):
            return await serve_asgi(mcp, listener)
        return await serve_protected(mcp, listener, {**self._settings(url), **settings})

    def _serve_command(self, command: ServerCommand) -> ServedMcp:
        port = free_port()
        url = f"http://127.0.0.1:{port}{command.path}"
        running = RunningCommand(command, port, self.environment_of(url))
        return self._served(url, running.stop)

    def _served(self, url: str, stop: Callable[[], None]) -> ServedMcp:
        self._exit.callback(stop)
        self._publish(url)
        return ServedMcp(url, f"{url}/mcp:tools", self.tokens, stop)

    def _clean_up(self, cleanup: Cleanup) -> None:
        if self._loop is not None and not self._loop.closed:
            self._loop.run(cleanup())

    def add_user(
        self,
        name: str,
        sign_in_name: str,
        *,
        roles: Sequence[str] = (),
        groups: Sequence[str] = (),
        tenant_id: str | None = None,
    ) -> None:
        """Add a person to the tenant, who can sign in and has tokens.

        Args:
            name: the display name.
            sign_in_name: like an e-mail address; `tokens` knows the part before its @ as well.
            roles: app roles of the MCP server.
            groups: object ids of groups, in tokens that `tokens` makes.
            tenant_id: the home tenant of a guest; None is the local tenant.
        """
        oid = str(uuid.uuid5(uuid.NAMESPACE_URL, sign_in_name))
        home = tenant_id or self.cloud.tenant_id
        user = User(name, sign_in_name, oid, home_oid=oid, home_tenant_id=home, roles=tuple(roles))
        self.cloud.tenant.directory.users[sign_in_name] = user
        if groups:
            self.tokens.claims_of[sign_in_name] = {"groups": list(groups)}

    def web_chat(self, server: ServedMcp, **environment: str) -> WebChat:
        """Start the web chat for a server; `environment` are further environment variables.

        Raises:
            RuntimeError: it did not start, for example as `mcpsecurity[webclient]` is not installed.
        """
        port = free_port()
        url = f"http://localhost:{port}"
        self.cloud.register_webclient_url(url)
        own = {
            "WEBCLIENT_URL": url,
            "WEBCLIENT_PORT": str(port),
            "WEBCLIENT_CLIENT_ID": self.cloud.web_client_id,
            "WEBCLIENT_CLIENT_SECRET": self.cloud.web_client_secret,
            "MCP_SERVER_URL": server.url,
            "MCP_SERVER_SCOPE": server.scope,
        }
        command = ServerCommand([sys.executable, "-m", "mcpsecurity", "webclient"], environment=environment)
        running = RunningCommand(command, port, self.environment | own)
        self._exit.callback(running.stop)
        return WebChat(url, running, self.cloud.ca_file)

    def environment_of(self, url: str) -> dict[str, str]:
        """Return environment variables for a server at `url` that verifies the local tenant's tokens itself.

        Besides those of `environment`: `MCP_SERVER_URL`, `PORT`, what tokens have as `iss` and `aud`
        (`ENTRA_ISSUER`, `MCP_SERVER_AUDIENCE`), where the keys are (`ENTRA_JWKS_URI`), and the tenant's
        authority where Python, curl and Node look for one.
        """
        cloud, ca_file = self.cloud, str(self.cloud.ca_file)
        return self.environment | {
            "MCP_SERVER_URL": url,
            "PORT": str(urlsplit(url).port),
            "ENTRA_ISSUER": cloud.issuer,
            "ENTRA_JWKS_URI": f"{cloud.authority}/{cloud.tenant_id}/discovery/v2.0/keys",
            "MCP_SERVER_AUDIENCE": cloud.api_client_id,
            **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"), ca_file),
        }

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that configure this product's services for the local stack.

        They are meant to be added to those of the process: settings of another model are there as empty ones,
        which count as not set.
        """
        cloud = self.cloud
        return {
            **dict.fromkeys(_OF_ANOTHER_MODEL, ""),
            "ENTRA_AUTHORITY": cloud.authority,
            "ENTRA_TENANT_ID": cloud.tenant_id,
            "MCPSECURITY_CA_FILE": str(cloud.ca_file),
            "MCP_SERVER_CLIENT_ID": cloud.api_client_id,
            "MCP_SERVER_SCOPE": cloud.scope,
            "OPEN_METEO_FORECAST_URL": cloud.open_meteo_url,
            "OPEN_METEO_GEOCODING_URL": cloud.open_meteo_url,
            "AZURE_OPENAI_ENDPOINT": cloud.openai_endpoint,
            "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": cloud.openai_deployment,
            "AZURE_OPENAI_API_KEY": cloud.openai_api_key,
        }

    def credential(self, user: str = "alice", **token: Any) -> "LocalCredential":
        """Return an azure-core credential whose tokens are those of `user`; `token` as in `AccessTokens`.

        Raises:
            LookupError: there is no such user.
        """
        from mcpsecurity.testing.credential import LocalCredential  # noqa: PLC0415 - needs azure-core

        self.tokens(user, **token)  # wrong arguments raise here, not at the first call
        return LocalCredential(lambda: self.tokens(user, **token))

    def chat_completion(self, deployment: str | None = None) -> "ChatModel":
        """Return a model of the local cloud as a chat service of Semantic Kernel; close it after use.

        `deployment`: `offline-model` (also without one), `offline-reasoning` or `offline-vision`.
        """
        from mcpsecurity.kernel.model import ChatModel  # noqa: PLC0415 - needs Semantic Kernel

        cloud = self.cloud
        return ChatModel.at(
            cloud.openai_endpoint,
            deployment or cloud.openai_deployment,
            key=cloud.openai_api_key,
            azure=True,
            tls=client_ssl_context(cloud.ca_file),
            proxies=False,
        )

    def _publish(self, url: str) -> None:
        """Make `url` an identifier URI of the API's registration, beside those of other servers."""
        apis = self.cloud.tenant.directory.apis
        api = apis[self.cloud.api_client_id]
        apis[api.app_id] = replace(api, identifier_uris=(*api.identifier_uris, url))

    def _settings(self, url: str) -> dict[str, Any]:
        cloud = self.cloud
        return {
            "url": url,
            "authority": cloud.authority,
            "tenant_id": cloud.tenant_id,
            "client_id": cloud.api_client_id,
            "app_id_uri": url,
            "client_secret": cloud.api_client_secret,
            "ca_file": cloud.ca_file,
            "graph_url": cloud.graph_url,
            "forecast_url": cloud.open_meteo_url,
            "geocoding_url": cloud.open_meteo_url,
        }
