"""A reader of a stream, in the process that holds the client's connection."""

from collections.abc import Awaitable, Callable

from mcpsecurity_server.transport.events.bus import Event
from mcpsecurity_server.transport.events.queue import EventQueue
from mcpsecurity_server.transport.limits import Limits


class Reader(EventQueue):
    """A `Subscription`. It calls `detach` once, when it closes."""

    def __init__(
        self,
        session: str,
        stream: str,
        token: str,
        limits: Limits,
        detach: Callable[["Reader"], Awaitable[None]],
    ) -> None:
        super().__init__(limits)
        self.session = session
        self.stream = stream
        self.token = token
        self.read = 0
        self.joined = False
        self._taken = 0
        self._most = limits.queued_events + limits.log_events
        self._detach = detach
        self._detached = False
        self._last = 0

    def begin(self, position: int, missed: list[Event]) -> None:
        """Queue the events of the log, then those that arrived meanwhile. To be called before `next`."""
        arrived = list(self._events)
        self._events.clear()
        self._bytes = 0
        self._last = self.position = self.read = self._taken = position
        for event in (*missed, *arrived):
            self.put(event)

    def put(self, event: Event) -> None:
        """Queue an event, ignoring duplicates; detach a reader that falls behind."""
        if self.closed or event.number <= self._last:
            return
        self._last = event.number
        super().put(event)
        if len(self._events) > self._most:
            self.end()

    async def next(self) -> Event | None:
        """Wait for an event; None when the reader was detached. Asking confirms that the last was written."""
        self.read = self._taken
        event = await self.take()
        if event is not None:
            self._taken = event.number
        return event

    async def close(self) -> None:
        """Stop reading. Closing twice is safe."""
        self.end()
        if not self._detached:
            self._detached = True
            await self._detach(self)
