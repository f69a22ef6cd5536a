"""An MCP server of plain JSON that answers with exactly what a test says."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

__all__ = ["Odd", "tool"]


def tool(name: str, **schema: Any) -> dict[str, Any]:
    """Return a tool as servers list it."""
    return {"name": name, "description": name, "inputSchema": {"type": "object", "properties": {}, **schema}}


class Odd:
    """`results` are the results of methods, an integer the status to answer with instead; a method without
    one is not found. `told` are the notifications that came, `asked` the requests, and
    `asked_at` when, in monotonic seconds. What is asked for while `silent` is never
    answered. `holds` have, by method, what is set when it is asked for and what its answer waits for."""

    def __init__(self, **capabilities: Any) -> None:
        self.silent = False
        self.asked: list[str] = []
        self.asked_at: list[float] = []
        self.holds: dict[str, tuple[asyncio.Event, asyncio.Event]] = {}
        self.told: list[dict[str, Any]] = []
        self.called_with: list[dict[str, Any]] = []
        self.results: dict[str, Any] = {
            "initialize": {
                "protocolVersion": "2025-06-18",
                "capabilities": capabilities,
                "serverInfo": {"name": "odd", "version": "1"},
            },
        }

    def app(self) -> web.Application:
        """Return the server, at any path."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return web.Response(status=405)
        message = json.loads(await request.read())
        if "id" not in message:
            self.told.append(message)
            return web.Response(status=202)
        self.asked.append(message["method"])
        self.asked_at.append(time.monotonic())
        if message["method"] == "tools/call":
            self.called_with.append(message["params"]["arguments"])
        if self.silent:
            await asyncio.Event().wait()
        if (held := self.holds.get(message["method"])) is not None:
            held[0].set()
            await held[1].wait()
        result = self.results.get(message["method"])
        if isinstance(result, int):
            return web.Response(status=result, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return web.json_response({"jsonrpc": "2.0", "id": message["id"]} | self._outcome(message, result))

    def _outcome(self, message: dict[str, Any], result: Any) -> dict[str, Any]:
        if isinstance(result, Callable):  # type: ignore[arg-type]
            result = result(message["params"])
        if result is None:
            return {"error": {"code": -32601, "message": "Method not found"}}
        return {"result": result}
