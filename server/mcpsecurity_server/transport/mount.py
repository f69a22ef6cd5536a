"""Puts a FastMCP instance on a path of an aiohttp application."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Literal

from aiohttp import web
from mcp.server.fastmcp import FastMCP

from mcpsecurity_server.transport.dispatch import AfterCall, Dispatcher
from mcpsecurity_server.transport.events import EventBus, InMemoryEventBus
from mcpsecurity_server.transport.guard import Guard
from mcpsecurity_server.transport.http import BeforeCall, StreamableHttp, sweep
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.sdk import SdkServer
from mcpsecurity_server.transport.session import InMemorySessionStore, SessionStore

__all__ = ["MountedMcp", "mount_mcp"]


class MountedMcp:
    """A FastMCP instance that is being served."""

    def __init__(
        self,
        http: StreamableHttp,
        dispatcher: Dispatcher,
        sdk: SdkServer,
        store: SessionStore,
        limits: Limits,
    ) -> None:
        self._http = http
        self._dispatcher = dispatcher
        self._sdk = sdk
        self._limits = limits
        self.sessions = store

    async def list_changed(self, what: Literal["tools", "prompts", "resources"]) -> None:
        """Tell every session that a list has changed, for example after `FastMCP.add_tool`."""
        for session in self.sessions:
            await session.notify(f"notifications/{what}/list_changed", None)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Hold the FastMCP instance's lifespan open and sweep sessions, as long as the application runs."""
        async with self._sdk.lifespan() as self._dispatcher.lifespan:
            sweeper = asyncio.create_task(sweep(self.sessions, self._limits), name="mcp-session-sweep")
            yield
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper
            await self._close_sessions()

    async def stop(self, _: web.Application) -> None:
        """Refuse new requests, let running calls finish within the deadline, and end open streams."""
        self._http.stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.stop_seconds):
                while running := [i.task for s in self.sessions for i in s.in_flight.values()]:
                    await asyncio.wait(running)
        await self._close_sessions()

    async def _close_sessions(self) -> None:
        for session in self.sessions:
            await self.sessions.remove(session)
            await session.close()


def mount_mcp(
    app: web.Application,
    mcp: FastMCP[Any],
    path: str = "/mcp",
    *,
    allowed_hosts: Iterable[str] | None = None,
    allowed_origins: Iterable[str] | None = None,
    limits: Limits | None = None,
    store: SessionStore | None = None,
    bus: EventBus | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
) -> MountedMcp:
    """Serve `mcp` from `app` by Streamable HTTP (revisions 2025-03-26 to 2025-11-25).

    Args:
        path: the one path for POST, GET and DELETE.
        allowed_hosts: names in Host headers that are served, `name` or `name:port`; default: loopback names.
        allowed_origins: origins of browser pages that may call; default: none but this server's own.
        limits: bounds on sizes, counts and times.
        store: where sessions are kept; default: in this process.
        bus: where events are kept for resumption; default: in this process.
        before_call: asked before a tool runs, with its name and the request; may raise a
            `web.HTTPException`, which becomes the answer.
        after_call: told of every tool call: name, outcome (ok, error, cancelled, failed) and seconds.

    An authentication middleware puts the caller's token into `request[TOKEN_KEY]`; sessions belong to its
    tenant, person and client, and `get_access_token()` works in tools.
    """
    limits = limits or Limits()
    sdk = SdkServer(mcp)
    dispatcher = Dispatcher(sdk, after_call=after_call)
    store = store or InMemorySessionStore(limits)
    bus = bus or InMemoryEventBus(limits)
    guard = Guard(allowed_hosts, allowed_origins)
    http = StreamableHttp(sdk, dispatcher, store, bus, guard, limits, before_call=before_call)
    mounted = MountedMcp(http, dispatcher, sdk, store, limits)
    for method in ("GET", "POST", "DELETE"):  # one by one: aiohttp-cors refuses a route for all methods
        app.router.add_route(method, path, http.handle)
    app.cleanup_ctx.append(mounted.run)
    app.on_shutdown.append(mounted.stop)
    return mounted
