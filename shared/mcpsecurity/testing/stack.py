"""The local stack: the local cloud and MCP servers behind it, in a thread of their own."""

import contextlib
import logging
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.service import ServiceRunner
from mcpsecurity.settings import settings_of
from mcpsecurity.testing.background import BackgroundLoop
from mcpsecurity.testing.faults import FaultSwitches
from mcpsecurity.testing.scripted import ScriptedModel
from mcpsecurity.testing.served import ServedMcp
from mcpsecurity.testing.tokens import AccessTokens

if TYPE_CHECKING:
    from mcpsecurity.kernel.model import ChatModel
    from mcpsecurity.testing.credential import LocalCredential

__all__ = ["LocalStack"]

_STOP_SECONDS = 2.0
_OF_ANOTHER_MODEL = (
    *("WEBCLIENT_MODELS", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_CHAT_MODEL_ID"),
    *("AZURE_OPENAI_API_VERSION", "AZURE_OPENAI_TOKEN_SCOPE"),
)


class LocalStack:
    """Runs while the `with` lasts, or from `start` to `stop`, on free ports of loopback.

    What is in the environment or a `.env` changes nothing: all settings are given here or to `serve`.

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def serve(self, mcp: FastMCP[Any] | None = None, **settings: Any) -> ServedMcp:
        """Serve a FastMCP instance behind access tokens, or this product's own tools for None.

        Its tools run in the stack's thread. `settings` are fields of the server's settings by their names,
        for example `tool_scopes={"delete": ("mcp:admin",)}`.

        Raises:
            SettingsError: a setting is wrong or unknown.
        """
        if self._loop is None:
            raise RuntimeError("The local stack is not running: use it as `with LocalStack() as stack`.")
        loop, listener = self._loop, socket.create_server(("127.0.0.1", 0), backlog=128)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
        runner = loop.run(_serving(mcp, listener, self._settings(url) | settings))

        def stop() -> None:
            if not loop.closed:
                loop.run(runner.cleanup())

        self._exit.callback(stop)
        self._publish(url)
        return ServedMcp(url, f"{url}/mcp:tools", self.tokens, stop)

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

        self.tokens(user, **token)  # what is wrong with the arguments is raised here, not at the first call
        return LocalCredential(lambda: self.tokens(user, **token))

    def chat_completion(self, deployment: str | None = None) -> "ChatModel":
        """Return a model of the local cloud as a chat service of Semantic Kernel; close it after use.

        `deployment`: `offline-model` (also without one), `offline-reasoning` or `offline-vision`.
        """
        from mcpsecurity.testing.model import local_chat_model  # noqa: PLC0415 - needs Semantic Kernel

        return local_chat_model(self.cloud, deployment)

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


async def _serving(
    mcp: FastMCP[Any] | None, listener: socket.socket, settings: dict[str, Any]
) -> web.AppRunner:
    with _logging_left_alone():
        app = _create_protected_app()(mcp, **settings)
    runner = ServiceRunner(app, shutdown_timeout=_STOP_SECONDS)
    try:
        await runner.setup()
        await web.SockSite(runner, listener).start()
    except BaseException:
        listener.close()
        await runner.cleanup()
        raise
    return runner


@contextlib.contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Keep FastMCP from setting up logging for the whole program, as it does when nobody else has."""
    handler, root = logging.NullHandler(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def _create_protected_app() -> Any:
    """Return the server's function of that name from its entry point; the library imports no server."""
    found = entry_points(group="mcpsecurity.hosting")
    return next(iter(found)).load()
