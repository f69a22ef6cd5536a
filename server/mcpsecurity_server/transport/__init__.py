"""Streamable HTTP on aiohttp for any official FastMCP instance.

    app = web.Application()
    mount_mcp(app, mcp)          # mcp: mcp.server.fastmcp.FastMCP
    web.run_app(app)

From outside in: `http` (methods, headers, statuses), `exchange` and `sse` (JSON or an event stream),
`session` and `events` (what lives between requests), `dispatch` (method to handler; knows no session), `sdk`
(all contact with names that the SDK does not promise to keep).
"""

from mcpsecurity_server.transport.dispatch import AfterCall
from mcpsecurity_server.transport.events import EventBus, InMemoryEventBus
from mcpsecurity_server.transport.http import BeforeCall
from mcpsecurity_server.transport.identity import TOKEN_KEY, Owner, owner_of
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.mount import MountedMcp, mount_mcp
from mcpsecurity_server.transport.session import InMemorySessionStore, SessionStore

__all__ = [
    "TOKEN_KEY",
    "AfterCall",
    "BeforeCall",
    "EventBus",
    "InMemoryEventBus",
    "InMemorySessionStore",
    "Limits",
    "MountedMcp",
    "Owner",
    "SessionStore",
    "mount_mcp",
    "owner_of",
]
