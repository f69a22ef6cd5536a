"""Streamable HTTP on aiohttp for any official FastMCP instance.

    app = web.Application()
    mount_mcp(app, mcp)          # mcp: mcp.server.fastmcp.FastMCP
    web.run_app(app)

`mount` puts the parts together. `http` checks requests and writes responses, `sessions` serves the revisions
that begin with `initialize`, `stateless` serves 2026-07-28; both are a `ProtocolHandler`, and neither imports
the other. `dispatch` runs a request with FastMCP, `events` and `redis` store events, `protocol` has the names
that all revisions share.
"""

from mcpsecurity_server.transport.dispatch.authoring import question_key, step
from mcpsecurity_server.transport.dispatch.dispatcher import AfterCall, BeforeCall
from mcpsecurity_server.transport.events.bus import (
    Event,
    EventBus,
    EventsGoneError,
    StreamTakenError,
    Subscription,
)
from mcpsecurity_server.transport.events.memory import InMemoryEventBus
from mcpsecurity_server.transport.identity import TOKEN_KEY, Owner, owner_of
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.mount import MountedMcp, mount_mcp
from mcpsecurity_server.transport.sessions.store import InMemorySessionStore, SessionRecord, SessionStore
from mcpsecurity_server.transport.stateless.results import Caching

__all__ = [
    "TOKEN_KEY",
    "AfterCall",
    "BeforeCall",
    "Caching",
    "Event",
    "EventBus",
    "EventsGoneError",
    "InMemoryEventBus",
    "InMemorySessionStore",
    "Limits",
    "MountedMcp",
    "Owner",
    "SessionRecord",
    "SessionStore",
    "StreamTakenError",
    "Subscription",
    "mount_mcp",
    "owner_of",
    "question_key",
    "step",
]
