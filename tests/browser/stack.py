"""The real product on free ports of this machine: local cloud, MCP server, web chat, and a second MCP
server."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.browser.playground import Playground
from tests.support.ports import free_port

import mcpsecurity_webclient
from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.localcloud.openai import ModelEndpoints
from mcpsecurity.runtime.service import ServiceRunner
from mcpsecurity_server.app import create_app as create_server
from mcpsecurity_server.settings import ServerSettings
from mcpsecurity_server.transport import mount_mcp
from mcpsecurity_webclient.app import create_app as create_webclient
from mcpsecurity_webclient.settings import McpServerSettings, WebSettings

__all__ = ["STATIC", "Service", "Stack", "running_stack"]

STATIC = Path(mcpsecurity_webclient.__file__).parent / "static"


class Service:
    """One application on a port that stays its own over restarts."""

    def __init__(self, make_app: Callable[[], web.Application]) -> None:
        self._make_app = make_app
        self._runner: web.AppRunner | None = None
        self.port = free_port()

    async def start(self) -> None:
        runner = ServiceRunner(self._make_app(), shutdown_timeout=0.2)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True).start()
        self._runner = runner

    @property
    def connections(self) -> list[Any]:
        """The connections that are open, each with its `transport`."""
        server = self._runner.server if self._runner is not None else None
        return list(server.connections) if server is not None else []

    async def renew(self) -> None:
        """Restart it, if anything was asked of it: what it still did for a test must not reach the next."""
        server = self._runner.server if self._runner is not None else None
        if server is None or server.requests_count > 0:
            await self.stop()
            await self.start()

    async def cut(self) -> None:
        """Close every connection without a word."""
        for protocol in self.connections:
            if protocol.transport is not None:
                protocol.transport.abort()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None


class Stack:
    """What tests use of the running product, and how they make it fail.

    Unless `bundled`, the page's modules are served one by one, so that a console message names its module.
    """

    def __init__(self, cloud: LocalCloud, *, bundled: bool = False) -> None:
        self.cloud = cloud
        self._bundled = bundled
        self.playground = Playground()
        self.mcp = Service(lambda: create_server(self._server_settings()))
        self.other_mcp = Service(self._playground_app)
        self.web = Service(lambda: create_webclient(self.web_settings()))
        self.hasty_web = Service(lambda: create_webclient(self.hasty_settings))
        self.open_web = Service(lambda: create_webclient(self.web_settings(url=self.open_url, sampling=True)))
        self.any_web = Service(lambda: create_webclient(self._any_settings()))
        self._any_model: dict[str, Any] = {}
        cloud.register_webclient_url(self.any_url)
        cloud.register_mcp_url(self._mcp_url)
        cloud.register_webclient_url(self.url)
        cloud.register_webclient_url(self.hasty_url)
        cloud.register_webclient_url(self.open_url)

    @property
    def services(self) -> tuple[Service, ...]:
        return self.mcp, self.other_mcp, self.web, self.hasty_web, self.open_web

    @property
    def url(self) -> str:
        """The chat."""
        return f"http://localhost:{self.web.port}"

    @property
    def hasty_url(self) -> str:
        """A chat whose questions expire after eight seconds; a slow machine needs some of them."""
        return f"http://localhost:{self.hasty_web.port}"

    @property
    def open_url(self) -> str:
        """A chat whose servers may ask to use the model."""
        return f"http://localhost:{self.open_web.port}"

    @property
    def model(self) -> ModelEndpoints:
        """The offline model's endpoint, with its pace and its faults."""
        return self.cloud.model

    @property
    def modules(self) -> set[str]:
        """The page's modules, by their paths below `static/js`."""
        folder = STATIC / "js"
        return {path.relative_to(folder).as_posix() for path in folder.rglob("*.js")}

    @property
    def any_url(self) -> str:
        """The chat of `use_model`."""
        return f"http://localhost:{self.any_web.port}"

    async def use_model(self, **model: Any) -> None:
        """Start one more chat, with these settings of its model; `stop_model` stops it."""
        self._any_model = model
        await self.any_web.start()

    async def stop_model(self) -> None:
        """Stop the chat of `use_model`."""
        await self.any_web.stop()

    def _any_settings(self) -> WebSettings:
        return self.web_settings(url=self.any_url, **self._any_model)

    async def restart_mcp(self) -> None:
        """Restart the MCP server: it has forgotten every session."""
        await self.mcp.stop()
        await self.mcp.start()

    async def cut_streams(self) -> None:
        """Break the connections of all open event streams, as a network does."""
        await self.web.cut()

    async def reset(self) -> None:
        """Forget what a test did: the chats restart, and with them go sessions and conversations."""
        for service in (self.web, self.hasty_web, self.open_web):
            await service.renew()
        self.cloud.tenant.consents.given.clear()
        self.playground.reset()
        self.model.pace = 0.0
        self.model.faults.upcoming.clear()
        self.model.faults.down = False
        self.model.script.clear()

    @property
    def _mcp_url(self) -> str:
        return f"http://localhost:{self.mcp.port}/mcp"

    def _server_settings(self) -> ServerSettings:
        return ServerSettings(
            authority=self.cloud.authority,
            tenant_id=self.cloud.tenant_id,
            ca_file=self.cloud.ca_file,
            url=self._mcp_url,
            port=self.mcp.port,
            client_id=self.cloud.api_client_id,
            forecast_url=self.cloud.open_meteo_url,
            geocoding_url=self.cloud.open_meteo_url,
        )

    @property
    def hasty_settings(self) -> WebSettings:
        """Settings of a chat whose questions expire after eight seconds."""
        return self.web_settings(url=self.hasty_url, approval_timeout=8.0, elicitation_timeout=8.0)

    def web_settings(self, **changes: Any) -> WebSettings:
        """Return the settings of the chat, with changes."""
        other = McpServerSettings(
            name="playground", url=f"http://localhost:{self.other_mcp.port}/mcp", asks=True
        )
        settings: dict[str, Any] = {
            "authority": self.cloud.authority,
            "tenant_id": self.cloud.tenant_id,
            "ca_file": self.cloud.ca_file,
            "url": self.url,
            "client_id": self.cloud.web_client_id,
            "client_secret": self.cloud.web_client_secret,
            "mcp_server_url": self._mcp_url,
            "mcp_server_scope": self.cloud.scope,
            "more_servers": (other,),
            "azure_openai_endpoint": self.cloud.openai_endpoint,
            "deployment": self.cloud.openai_deployment,
            "azure_openai_api_key": self.cloud.openai_api_key,
            "bundled": self._bundled,
        }
        return WebSettings(**settings | changes)

    def _playground_app(self) -> web.Application:
        app = web.Application()
        mount_mcp(app, self.playground.mcp)
        return app


@asynccontextmanager
async def running_stack(folder: Path, *, bundled: bool = False) -> AsyncIterator[Stack]:
    """Start everything; `folder` keeps the local cloud's keys."""
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=folder)) as cloud:
        stack = Stack(cloud, bundled=bundled)
        try:
            for service in stack.services:
                await service.start()
            yield stack
        finally:
            for service in reversed(stack.services):
                await service.stop()
