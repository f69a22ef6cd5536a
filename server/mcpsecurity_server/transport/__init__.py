"""Streamable HTTP on aiohttp for any official FastMCP instance.

    app = web.Application()
    mount_mcp(app, mcp)          # mcp: mcp.server.fastmcp.FastMCP
    web.run_app(app)

From outside in: `framing` (the path, headers, bodies, event streams; knows no session), `handshake` (the
revisions with sessions: rules of POST, GET and DELETE, what lives between requests, `SessionStore` and
`EventBus`), `stateless` (revision 2026-07-28, without sessions), `dispatch` (method to handler; knows no
session), `sdk` (all contact with names that the SDK does not promise to keep). An era of the protocol is a
`framing.endpoint.ProtocolHandler`. `replay` has what authors of tools may use in both.
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
