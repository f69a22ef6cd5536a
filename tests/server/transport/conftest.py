"""A FastMCP instance of many habits, served by the transport on a free port."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from mcp.server.fastmcp import FastMCP
from tests.support.served import on_loopback

from mcpsecurity_server.transport import MountedMcp, mount_mcp

ACCEPT = {"Accept": "application/json, text/event-stream"}


@dataclass
class Served:
    """A served FastMCP instance and an HTTP client for it."""

    url: str
    mounted: MountedMcp
    http: aiohttp.ClientSession

    async def initialize(self, version: str = "2025-11-25", **capabilities: Any) -> dict[str, str]:
        """Open a session and return the headers that belong to it."""
        headers = await self.begin(version, **capabilities)
        async with self.post({"method": "notifications/initialized"}, headers) as response:
            assert response.status == 202
        return headers

    async def begin(self, version: str = "2025-11-25", **capabilities: Any) -> dict[str, str]:
        """Do the first half of that: the server does not hear that the client is ready."""
        params = {
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        }
        async with self.post({"id": 0, "method": "initialize", "params": params}) as response:
            assert response.status == 200
            negotiated = (await response.json())["result"]["protocolVersion"]
            return {
                "Mcp-Session-Id": response.headers["Mcp-Session-Id"],
                "MCP-Protocol-Version": negotiated,
            }

    def post(self, message: Any, headers: dict[str, str] | None = None) -> Any:
        """POST one message (a dict, `jsonrpc` added), a list, or bytes as they are."""
        body = {"jsonrpc": "2.0"} | message if isinstance(message, dict) else message
        sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
        content_type = {"Content-Type": "application/json"}
        return self.http.post(self.url, headers={**ACCEPT, **content_type, **(headers or {})}, **sent)

    def call(self, name: str, headers: dict[str, str], id: int | str = 1, **arguments: Any) -> Any:  # noqa: A002
        """Call a tool; a context manager of the response."""
        params = {"name": name, "arguments": arguments}
        return self.post({"id": id, "method": "tools/call", "params": params}, headers)

    def get(self, headers: dict[str, str], last: str | None = None) -> Any:
        """GET a stream."""
        more = {"Last-Event-ID": last} if last is not None else {}
        return self.http.get(self.url, headers={"Accept": "text/event-stream", **headers, **more})

    async def status(self, request: Any) -> int:
        """Return the status that a request is answered with."""
        async with request as response:
            return int(response.status)

    async def error(self, request: Any) -> tuple[int, int, str]:
        """Return HTTP status, JSON-RPC code and text of a refusal, which is an error in either way."""
        async with request as response:
            error = (await response.json())["error"]
            return response.status, error["code"], error["message"]

    async def result(self, method: str, params: dict[str, Any], headers: dict[str, str]) -> Any:
        """Call and return the JSON response."""
        async with self.post({"id": 1, "method": method, "params": params}, headers) as response:
            assert response.content_type == "application/json", await response.text()
            return await response.json()


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve() -> Serve:
    """Return a context manager that serves a FastMCP instance with the given options of `mount_mcp`."""

    @asynccontextmanager
    async def served(
        mcp: FastMCP[Any], *, middlewares: tuple[Any, ...] = (), **options: Any
    ) -> AsyncIterator[Served]:
        app = web.Application(middlewares=middlewares)
        mounted = mount_mcp(app, mcp, **options)
        async with (
            on_loopback(app, "/mcp") as url,
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http,
        ):
            yield Served(url, mounted, http)

    return served
