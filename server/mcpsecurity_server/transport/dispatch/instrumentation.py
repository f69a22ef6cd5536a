"""For those who watch: what is handled, as it happens, and how much there is of what lasts."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from mcpsecurity_server.transport.dispatch.dispatcher import Call, Dispatcher
from mcpsecurity_server.transport.dispatch.fastmcp_adapter import Channel
from mcpsecurity_server.transport.jsonrpc import Request

__all__ = ["Activity", "Instrumentation", "ObservedDispatcher"]


class Activity(NamedTuple):
    """What one process has open: `sessions`, `requests` that run, `questions` that wait for their clients'
    answers, and event `streams`."""

    sessions: int
    requests: int
    questions: int
    streams: int


class Instrumentation(Protocol):
    """Whoever watches."""

    async def around(self, request: Request, call: Call, run: Awaitable[Any]) -> Any:
        """Await `run`, which handles a request, and return its result or raise its error."""

    def observe(self, activity: Callable[[], Activity], is_tool: Callable[[Any], bool]) -> None:
        """Take what tells how much is open, in any thread, and whether a tool of a name exists."""


class ObservedDispatcher(Dispatcher):
    """A `Dispatcher` that is watched. Without an observer there is none of it, and no cost."""

    observer: Instrumentation

    async def run(self, request: Request, call: Call, channel: Channel) -> Any:
        """Handle a request as the base class does."""
        return await self.observer.around(request, call, super().run(request, call, channel))
