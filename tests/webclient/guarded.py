"""The playground's MCP server behind a door that notes each request and can refuse tokens."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from tests.browser.playground import Playground

from mcpsecurity_server.transport import mount_mcp

__all__ = ["Door", "guarded_app"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Door:
    """The tokens that came, and those that are refused: the ones in `refused`, or all while `shut`."""

    shut: bool = False
    challenge: str = 'Bearer error="invalid_token"'
    refused: set[str] = field(default_factory=set)
    tokens: list[str] = field(default_factory=list)
    deleted: asyncio.Event = field(default_factory=asyncio.Event)

    def refuse_known(self) -> None:
        """Refuse from now on what was presented so far."""
        self.refused.update(self.tokens)


def guarded_app(playground: Playground, door: Door) -> web.Application:
    """Return the server."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        door.tokens.append(token)
        if door.shut or token in door.refused:
            return web.Response(status=401, headers={"WWW-Authenticate": door.challenge})
        response = await handler(request)
        if request.method == "DELETE":
            door.deleted.set()
        return response

    app = web.Application(middlewares=[check])
    mount_mcp(app, playground.mcp)
    return app
