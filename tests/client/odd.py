"""A server without a library below it, that answers as a test says, and a connection to it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aiohttp import web
from tests.support.served import on_loopback

from mcpsecurity.client import McpConnection

__all__ = ["GREETING", "Answer", "Odd", "body", "body400", "connected", "ok", "rpc", "said", "sse", "status"]

GREETING = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "odd", "version": "1"},
}
Answer = Callable[[dict[str, Any]], web.StreamResponse]


class Odd:
    """A server without a library below it; `answers` are its answers by method, in place of good ones."""

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers
        self.session = "s1"
        self.methods: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        method = message.get("method", "answer")
        self.methods.append(method)
        if method == "initialize" and method not in self._answers:
            return web.json_response(rpc(message, GREETING), headers={"Mcp-Session-Id": self.session})
        if method.partition("/")[2] in self._answers or method in self._answers:
            return self._answers.get(method, self._answers.get(method.partition("/")[2], ok))(message)
        if method == "prompts/list":
            return web.json_response(rpc(message, {"prompts": []}))
        return ok(message) if "id" in message else web.Response(status=202)


def rpc(message: dict[str, Any], result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": message["id"], "result": result}


def said(message: dict[str, Any], text: str = "fine") -> dict[str, Any]:
    return rpc(message, {"content": [{"type": "text", "text": text}]})


def ok(message: dict[str, Any]) -> web.Response:
    return web.json_response(said(message))


def body(text: str | bytes, kind: str = "application/json", **headers: str) -> Answer:
    raw = text.encode() if isinstance(text, str) else text
    return lambda _: web.Response(body=raw, headers={"Content-Type": kind, **headers})


def sse(message: dict[str, Any], tail: str = "\n\n") -> web.Response:
    return web.Response(
        text=f"event: message\ndata: {json.dumps(message)}{tail}", content_type="text/event-stream"
    )


def status(code: int, text: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: web.Response(status=code, text=text, headers=named)


async def redirect(code: int, to: str, _: web.Request) -> web.Response:
    return web.Response(status=code, headers={"Location": to})


def body400(message: Any) -> Answer:
    return lambda _: web.json_response(message, status=400)


@asynccontextmanager
async def connected(server: Odd, path: str = "/mcp", **options: Any) -> AsyncIterator[McpConnection]:
    app = web.Application()
    app.router.add_route("*", "/mcp", server.handle)

    for old, code, to in (("/old", 307, "/mcp"), ("/older", 308, "/old"), ("/mcp/", 301, "/mcp")):
        app.router.add_route("*", old, partial(redirect, code, to))
    async with on_loopback(app, path) as url, McpConnection(url, timeout=5, **options) as connection:
        yield connection
