"""A client of revision 2026-07-28 at the level of its messages, and the server it talks to."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from mcp.server.fastmcp import FastMCP
from tests.server.transport.conftest import Serve

from mcpsecurity_server.transport import MountedMcp

VERSION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


@dataclass
class Reply:
    """A response, with the messages before the last one if it was a stream."""

    status: int
    content_type: str
    body: Any
    before: list[Any] = field(default_factory=list)

    @property
    def result(self) -> Any:
        assert "result" in self.body, self.body
        return self.body["result"]

    @property
    def code(self) -> int:
        assert "error" in self.body, self.body
        return int(self.body["error"]["code"])


def envelope(**capabilities: Any) -> dict[str, Any]:
    return {f"{PREFIX}protocolVersion": VERSION, f"{PREFIX}clientCapabilities": capabilities}


@dataclass
class Client:
    """Sends requests that are right unless told otherwise."""

    url: str
    http: aiohttp.ClientSession
    mounted: MountedMcp
    capabilities: dict[str, Any] = field(
        default_factory=lambda: {"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}}
    )
    headers: dict[str, str] = field(default_factory=dict)

    def open(
        self, method: str, params: dict[str, Any] | None = None, headers: dict[str, str | None] | None = None
    ) -> Any:
        """POST a request; a header that is None is left out."""
        params = {"_meta": envelope(**self.capabilities)} | (params or {})
        sent = self.standard(method, params) | (headers or {})
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        return self.http.post(
            self.url, json=body, headers={key: value for key, value in sent.items() if value is not None}
        )

    def standard(self, method: str, params: dict[str, Any]) -> dict[str, str | None]:
        """Return the headers that a request has to have."""
        return {
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
            "Mcp-Method": method,
            "Mcp-Name": params.get(NAMES.get(method, "")),
        } | self.headers

    async def request(
        self, method: str, params: dict[str, Any] | None = None, headers: dict[str, str | None] | None = None
    ) -> Reply:
        async with self.open(method, params, headers) as response:
            text = await response.text()
            if response.content_type != "text/event-stream":
                return Reply(response.status, response.content_type, json.loads(text))
            data = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
            return Reply(response.status, response.content_type, data[-1], data[:-1])

    async def call(self, tool: str, /, arguments: dict[str, Any] | None = None, **params: Any) -> Reply:
        return await self.request("tools/call", {"name": tool, "arguments": arguments or {}} | params)

    async def retry(
        self, tool: str, asked: Reply, *answers: Any, arguments: dict[str, Any] | None = None
    ) -> Reply:
        """Call again with answers to the questions, in their order."""
        keys = list(asked.result["inputRequests"])
        assert len(keys) == len(answers)
        return await self.call(
            tool,
            arguments,
            inputResponses=dict(zip(keys, answers, strict=True)),
            requestState=asked.result["requestState"],
        )


def accept(**content: Any) -> dict[str, Any]:
    return {"action": "accept", "content": content}


Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def connect(serve: Serve) -> Connect:
    """Return a context manager like that of `serve`, which yields a client of this revision."""

    @asynccontextmanager
    async def connected(mcp: FastMCP[Any], **options: Any) -> AsyncIterator[Client]:
        async with serve(mcp, **options) as served:
            yield Client(served.url, served.http, served.mounted)

    return connected
