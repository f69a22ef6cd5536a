"""A server without a library below it that serves revision 2026-07-28 only, and answers as a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection
from mcpsecurity.runtime.tls import client_ssl_context

__all__ = ["FORM", "META", "Answer", "Modern", "asks", "connected", "done", "failed", "refused", "result"]

META = "io.modelcontextprotocol/"
FORM = {
    "method": "elicitation/create",
    "params": {
        "message": "Who?",
        "requestedSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
    },
}
Answer = Callable[[dict[str, Any]], web.StreamResponse]


class Modern:
    """`answers` are the answers by method, in place of good ones: each is used once, the last for ever.

    Attributes:
        seen: the messages, in order, each with its headers under `headers`.
        offers: the capabilities that it says it has.
    """

    def __init__(self, answers: dict[str, list[Answer]] | None = None) -> None:
        self.answers = answers or {}
        self.offers: dict[str, Any] = {"tools": {}}
        self.seen: list[dict[str, Any]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            self.seen.append({"method": request.method})
            return web.Response(status=405)
        message = await request.json()
        self.seen.append({**message, "headers": request.headers})
        planned = self.answers.get(message["method"], [])
        if planned:
            return (planned.pop(0) if len(planned) > 1 else planned[0])(message)
        if f"{META}protocolVersion" not in message.get("params", {}).get("_meta", {}):
            return failed(message, -32020, "Header mismatch: no MCP-Protocol-Version")
        if message["method"] == "server/discover":
            return result(message, self._description())
        return done(message)

    def methods(self) -> list[str]:
        return [message["method"] for message in self.seen]

    def calls(self) -> list[dict[str, Any]]:
        return [message for message in self.seen if message["method"] == "tools/call"]

    def _description(self) -> dict[str, Any]:
        return {
            "supportedVersions": ["2026-07-28"],
            "capabilities": self.offers,
            "_meta": {f"{META}serverInfo": {"name": "modern", "version": "1"}},
        }


def result(message: dict[str, Any], value: dict[str, Any]) -> web.Response:
    return web.json_response(
        {"jsonrpc": "2.0", "id": message["id"], "result": {"resultType": "complete"} | value}
    )


def done(message: dict[str, Any]) -> web.Response:
    return result(message, {"content": [{"type": "text", "text": "fine"}]})


def asks(state: str | None = None, **questions: Any) -> Answer:
    """Return an answer that asks instead."""
    asked: dict[str, Any] = {"resultType": "input_required"}
    asked |= {"inputRequests": questions} if questions else {}
    asked |= {"requestState": state} if state is not None else {}
    return lambda message: result(message, asked)


def failed(
    message: dict[str, Any], code: int, text: str, status: int = 400, data: Any = None
) -> web.Response:
    error = {"code": code, "message": text} | ({} if data is None else {"data": data})
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error}, status=status)


def refused(code: int, status: int = 400, data: Any = None) -> Answer:
    return lambda message: failed(message, code, "no", status, data)


@cache
def _options() -> dict[str, Any]:
    return {"timeout": 5, "tls": client_ssl_context(None)}


@asynccontextmanager
async def connected(server: Modern, **options: Any) -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)
    async with (
        on_loopback(app, "/mcp", handler_cancellation=True) as url,
        asyncio.timeout(30),
        McpConnection(url, **(_options() | options)) as connection,
    ):
        yield connection
