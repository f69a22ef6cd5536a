"""Serves a program of the MCP SDK at a path of an aiohttp application."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from typing import Any

from aiohttp import web

from mcpsecurity_server.transport.announcements import Announcements, Kind, Wishes
from mcpsecurity_server.transport.dispatch.dispatcher import AfterCall, BeforeCall, Dispatcher
from mcpsecurity_server.transport.dispatch.instrumentation import (
    Activity,
    Instrumentation,
    InstrumentedDispatcher,
)
from mcpsecurity_server.transport.dispatch.program import Program, adapter_of
from mcpsecurity_server.transport.dispatch.server_adapter import ServerAdapter
from mcpsecurity_server.transport.events.bus import EventBus
from mcpsecurity_server.transport.events.memory import InMemoryEventBus
from mcpsecurity_server.transport.http.endpoint import Endpoint
from mcpsecurity_server.transport.http.origin import Guard
from mcpsecurity_server.transport.identity import CallerRules, Owner
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.sessions.registry import Sessions
from mcpsecurity_server.transport.sessions.routes import SessionProtocol
from mcpsecurity_server.transport.sessions.store import InMemorySessionStore, SessionStore
from mcpsecurity_server.transport.stateless.request_state import RequestStateCodec
from mcpsecurity_server.transport.stateless.results import Caching
from mcpsecurity_server.transport.stateless.routes import StatelessProtocol
from mcpsecurity_server.transport.stateless.subscriptions import ChangeNotifier


class MountedMcp:
    """A program that is served."""

    def __init__(
        self,
        endpoint: Endpoint,
        dispatcher: Dispatcher,
        adapter: ServerAdapter,
        sessions: Sessions,
        stateless: StatelessProtocol,
        announcements: Announcements,
        limits: Limits,
    ) -> None:
        self._endpoint = endpoint
        self._dispatcher = dispatcher
        self._adapter = adapter
        self._stateless = stateless
        self._announcements = announcements
        self._limits = limits
        self.sessions = sessions
        self.handle = endpoint.handle
        """The request handler, for a program that routes requests without the application."""

    def activity(self) -> Activity:
        """Return the numbers of open sessions, streams and requests. Can be called in any thread."""
        sessions = list(self.sessions)
        calls, listens = self._stateless.activity
        return Activity(
            sessions=len(self.sessions),
            requests=sum(len(session.in_flight) for session in sessions) + calls,
            questions=sum(session.questions for session in sessions),
            streams=sum(len(session.open_streams) for session in sessions) + listens,
        )

    async def list_changed(self, what: Kind, owner: Owner | None = None) -> None:
        """Notify every client that a list has changed, for example after `FastMCP.add_tool`.

        With `owner` only the clients of this tenant, person and application.
        """
        await self._announcements.list_changed(what, owner)

    async def resource_updated(self, uri: str, owner: Owner | None = None) -> None:
        """Notify the clients that have subscribed to a resource that it has changed.

        With `owner` only the clients of this tenant, person and application.
        """
        await self._announcements.resource_updated(uri, owner)

    async def log_message(self, params: dict[str, Any], owner: Owner) -> None:
        """Send a log message that belongs to no request to the sessions of one owner that want its level."""
        await self._announcements.log_message(params, owner)

    async def wishes(self, owner: Owner) -> Wishes:
        """Return what the clients of an owner want to be told."""
        return await self._announcements.wishes(owner)

    def add_to(self, app: web.Application, path: str) -> None:
        """Add the routes of the one path to an application, and what it runs as it starts and stops."""
        for method in ("GET", "POST", "DELETE"):  # one by one: aiohttp-cors refuses a route for all methods
            app.router.add_route(method, path, self.handle)
        app.cleanup_ctx.append(self.run)
        app.on_shutdown.append(self.stop)

    async def run(self, _: web.Application) -> AsyncIterator[None]:
        """Run the program's lifespan and sweep sessions, as long as the application runs."""
        async with self._adapter.lifespan() as self._dispatcher.lifespan, self._stateless.running():
            sweeper = asyncio.create_task(self.sessions.run(), name="mcp-session-sweep")
            yield
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper

    async def stop(self, _: web.Application) -> None:
        """Refuse new requests, let running calls finish within the deadline, and end open streams."""
        self._endpoint.stopping = True
        seconds = self._limits.stop_seconds
        await asyncio.gather(self.sessions.drain(seconds), self._stateless.drain(seconds))


def mount_mcp(
    app: web.Application,
    mcp: Program,
    path: str = "/mcp",
    *,
    allowed_hosts: Iterable[str] | None = None,
    allowed_origins: Iterable[str] | None = None,
    limits: Limits | None = None,
    store: SessionStore | None = None,
    bus: EventBus | None = None,
    state_keys: Sequence[bytes] = (),
    caching: Caching | None = None,
    before_call: BeforeCall | None = None,
    after_call: AfterCall | None = None,
    callers: CallerRules | None = None,
    instrumentation: Instrumentation | None = None,
    clock: Callable[[], float] = time.time,
) -> MountedMcp:
    """Serve `mcp` from `app` by Streamable HTTP (revisions 2025-03-26 to 2025-11-25, and 2026-07-28).

    Args:
        mcp: a program of the official SDK 1.x. Its capabilities are declared as it has them.
        path: the one path for POST, GET and DELETE.
        allowed_hosts: names in Host headers that are served, `name` or `name:port`; default: loopback names.
        allowed_origins: origins of browser pages that may call; default: none but this server's own.
        limits: bounds on sizes, counts and times.
        store: storage of sessions; default: in this process.
        bus: storage of events for resumption; default: in this process.
        state_keys: secrets of at least 32 bytes each, which encrypt the state of a request without a session
            until its retry: the first encrypts, all decrypt. Processes with the same keys continue each
            other's calls; default: a random key of this process.
        caching: how long clients without a session may keep lists and resources.
        before_call: awaited before a tool runs, with its name and the request; may raise a
            `web.HTTPException`, which becomes the answer.
        after_call: called after each tool call with name, outcome (ok, error, input_required, cancelled,
            failed) and seconds.
        callers: says which tools a caller is shown, and who may answer questions; default: all.
        instrumentation: wraps each request and reads gauges; for telemetry.
        clock: gives seconds since 1970; streams end when the access token that opened them expires.

    An authentication middleware stores the caller's token in `request[TOKEN_KEY]`; sessions belong to its
    tenant, person and client, and `get_access_token()` works in tools.

    Raises:
        TypeError: `mcp` is something else.
        ValueError: it has custom routes or `stateless_http`, which this transport cannot honour.
    """
    limits = limits or Limits()
    adapter = adapter_of(mcp)
    kind = Dispatcher if instrumentation is None else partial(InstrumentedDispatcher, instrumentation)
    dispatcher = kind(
        adapter, before_call=before_call, after_call=after_call, callers=callers, page_size=limits.page_size
    )
    store = InMemorySessionStore(limits) if store is None else store
    bus = InMemoryEventBus(limits) if bus is None else bus
    sessions = Sessions(store, bus, limits)
    changes = ChangeNotifier(sessions.bus)
    announcements = Announcements(sessions, changes)
    codec = RequestStateCodec(state_keys, limits.state_seconds, clock, service=adapter.name)
    stateless = StatelessProtocol(
        dispatcher, changes, codec, limits, caching or Caching(), changed=announcements.forward, clock=clock
    )
    with_sessions = SessionProtocol(dispatcher, sessions, limits, clock)
    endpoint = Endpoint(Guard(allowed_hosts, allowed_origins), limits, [stateless, with_sessions])
    mounted = MountedMcp(endpoint, dispatcher, adapter, sessions, stateless, announcements, limits)
    if instrumentation is not None:
        instrumentation.observe(mounted.activity, adapter.is_tool)
    mounted.add_to(app, path)
    return mounted
