"""Instrumentation hooks: a wrapper around each request, and gauges."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from mcpsecurity_server.transport.dispatch.dispatcher import Call, Dispatcher
from mcpsecurity_server.transport.dispatch.relay_session import Channel
from mcpsecurity_server.transport.dispatch.server_adapter import ServerAdapter
from mcpsecurity_server.transport.jsonrpc import Request


class Activity(NamedTuple):
    """How many sessions, running requests, questions to clients and streams a process has open."""

    sessions: int
    requests: int
    questions: int
    streams: int


class Instrumentation(Protocol):
    """Receives every request and the current activity."""

    async def wrap(self, request: Request, call: Call, run: Awaitable[Any]) -> Any:
        """Await `run`, which handles a request, and return its result or raise its error."""

    def observe(self, activity: Callable[[], Activity], is_tool: Callable[[Any], bool]) -> None:
        """Called once: `activity` can be read in any thread, `is_tool` tells whether a tool name exists."""


class InstrumentedDispatcher(Dispatcher):
    """A `Dispatcher` whose requests are wrapped by an `Instrumentation`."""

    def __init__(self, instrumentation: Instrumentation, mcp: ServerAdapter, **options: Any) -> None:
        super().__init__(mcp, **options)
        self._instrumentation = instrumentation

    async def run(self, request: Request, call: Call, channel: Channel) -> Any:
        """Handle a request as the base class does."""
        return await self._instrumentation.wrap(request, call, super().run(request, call, channel))
