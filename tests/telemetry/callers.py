"""A server process without authentication, called by raw requests of either era."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from os import environ
from pathlib import Path
from typing import Any

import aiohttp
from tests.support.ports import free_port
from tests.support.programs import Program
from tests.telemetry.services import stopping

__all__ = ["Principal", "running_server"]

_ACCEPT = {"Accept": "application/json, text/event-stream"}
_MODERN = "2026-07-28"


class Principal:
    """Calls the server at `port`. `log` is what it logs."""

    def __init__(self, http: aiohttp.ClientSession, port: int, log: Path) -> None:
        self.http = http
        self.port = port
        self.log = log
        self._session: dict[str, str] = {}

    async def begin(self) -> None:
        """Begin a session."""
        client = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        _, headers = await self._post("initialize", client, {})
        self._session = {
            "Mcp-Session-Id": headers["Mcp-Session-Id"],
            "MCP-Protocol-Version": "2025-11-25",
        }

    async def call(
        self,
        meta: dict[str, Any] | None = None,
        *,
        tool: str = "get_current_date_time",
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Call a tool in the session and return the answer."""
        params = {"name": tool, "arguments": {}} | ({"_meta": meta} if meta is not None else {})
        return (await self._post("tools/call", params, self._session | (headers or {})))[0]

    async def call_without_session(self, meta: dict[str, Any]) -> Any:
        """Call a tool in the revision without sessions."""
        own = {
            "io.modelcontextprotocol/protocolVersion": _MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"name": "get_current_date_time", "arguments": {}, "_meta": own | meta}
        named = {"MCP-Protocol-Version": _MODERN, "Mcp-Method": "tools/call", "Mcp-Name": params["name"]}
        return (await self._post("tools/call", params, named))[0]

    async def _post(self, method: str, params: dict[str, Any], headers: dict[str, Any]) -> tuple[Any, Any]:
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        url = f"http://127.0.0.1:{self.port}/mcp"
        async with self.http.post(url, json=message, headers=_ACCEPT | headers) as response:
            return await response.json(), response.headers


@asynccontextmanager
async def running_server(folder: Path, *options: str, **more: str) -> AsyncIterator[Principal]:
    """Run a server with `options` of the command; `more` are environment variables."""
    port, log = free_port(), folder / "server.log"
    clean = {key: value for key, value in environ.items() if not key.startswith("OTEL_")}
    environment = clean | {"MCP_SERVER_PORT": str(port), "MCP_SERVER_APPROVAL": "never"} | more
    command = [sys.executable, "-m", "mcpsecurity", "server", "--no-auth", *options]
    server = Program(command, port, environment=environment, log=log)
    async with stopping(server), aiohttp.ClientSession() as http:
        await server.start()
        caller = Principal(http, port, log)
        await caller.begin()
        yield caller
