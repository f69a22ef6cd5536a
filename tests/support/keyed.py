"""An MCP server of the official SDK, behind a middleware of ASGI that wants a key in a header."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.fastmcp import FastMCP
from starlette.responses import JSONResponse

from mcpsecurity.testing.hosting import serve_asgi

__all__ = ["KEY", "KeyedServer", "keyed_server"]

KEY = "sk-wiki-4711"


class KeyedServer:
    """The server: `key` is what it takes in `header`, `status` what it answers to anything else, with the
    key that it was sent. `sent` are the headers of all requests."""

    def __init__(self, header: str = "X-Api-Key", key: str = KEY) -> None:
        self.header, self.key, self.status = header, key, 401
        self.sent: list[dict[str, str]] = []
        self.url = ""
        mcp: FastMCP[Any] = FastMCP("wiki")

        @mcp.tool()
        def look_up(title: str) -> str:
            """Look up an article of the wiki."""
            return f"{title} is an article."

        self._app = mcp.streamable_http_app()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.sent.append(headers)
        given = headers.get(self.header.lower())
        if given == self.key:
            await self._app(scope, receive, send)
        else:
            refusal = JSONResponse({"error": f"the key {given} is not valid"}, self.status)
            await refusal(scope, receive, send)


@asynccontextmanager
async def keyed_server(header: str = "X-Api-Key", key: str = KEY) -> AsyncIterator[KeyedServer]:
    """Serve it on a free port of this machine."""
    server = KeyedServer(header, key)
    listener = socket.create_server(("127.0.0.1", 0))
    server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    stop = await serve_asgi(server, listener)
    try:
        yield server
    finally:
        await stop()
