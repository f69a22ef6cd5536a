"""Streamable HTTP on aiohttp for any official FastMCP instance.

    app = web.Application()
    mount_mcp(app, mcp)          # mcp: a FastMCP, or a mcp.server.lowlevel.Server
    web.run_app(app)

`mount` puts the parts together. `http` checks requests and writes responses, `sessions` serves the revisions
that begin with `initialize`, `stateless` serves 2026-07-28; both are a `ProtocolHandler`, and neither imports
the other. `dispatch` runs a request with FastMCP, `events` and `redis` store events, `protocol` has the names
that all revisions share.

Other packages import from here only, and `transport.redis` if they have the extra `scale`.
"""

from mcpsecurity_server.transport.announcements import Kind, Wishes
from mcpsecurity_server.transport.dispatch.authoring import question_key, step
from mcpsecurity_server.transport.dispatch.dispatcher import METHODS, AfterCall, BeforeCall, Call
from mcpsecurity_server.transport.dispatch.fastmcp_adapter import preserved_logging, set_version
from mcpsecurity_server.transport.dispatch.instrumentation import Activity, Instrumentation
from mcpsecurity_server.transport.dispatch.program import Program
from mcpsecurity_server.transport.events.bus import (
    Event,
    EventBus,
    EventsGoneError,
    StreamTakenError,
    Subscription,
)
from mcpsecurity_server.transport.events.memory import InMemoryEventBus
from mcpsecurity_server.transport.http.fast_path import fast_path
from mcpsecurity_server.transport.http.responses import was_refused
from mcpsecurity_server.transport.identity import (
    TOKEN_KEY,
    CallerRules,
    CallRefusedError,
    Owner,
    owner_of,
    token_of,
)
from mcpsecurity_server.transport.jsonrpc import MessageError, Request
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.mount import MountedMcp, mount_mcp
from mcpsecurity_server.transport.protocol import (
    ALL_VERSIONS,
    LOG_LEVELS,
    RESOURCE_UPDATED,
    SESSION_HEADER,
    STATELESS_VERSION,
    VERSION_HEADER,
)
from mcpsecurity_server.transport.sessions.store import InMemorySessionStore, SessionRecord, SessionStore
from mcpsecurity_server.transport.stateless.results import Caching

__all__ = [
    "ALL_VERSIONS",
    "LOG_LEVELS",
    "METHODS",
    "RESOURCE_UPDATED",
    "SESSION_HEADER",
    "STATELESS_VERSION",
    "TOKEN_KEY",
    "VERSION_HEADER",
    "Activity",
    "AfterCall",
    "BeforeCall",
    "Caching",
    "Call",
    "CallRefusedError",
    "CallerRules",
    "Event",
    "EventBus",
    "EventsGoneError",
    "InMemoryEventBus",
    "InMemorySessionStore",
    "Instrumentation",
    "Kind",
    "Limits",
    "MessageError",
    "MountedMcp",
    "Owner",
    "Program",
    "Request",
    "SessionRecord",
    "SessionStore",
    "StreamTakenError",
    "Subscription",
    "Wishes",
    "fast_path",
    "mount_mcp",
    "owner_of",
    "preserved_logging",
    "question_key",
    "set_version",
    "step",
    "token_of",
    "was_refused",
]
