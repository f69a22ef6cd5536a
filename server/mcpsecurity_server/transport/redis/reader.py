"""A reader of a stream, in the process that holds the client's connection."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from mcpsecurity_server.transport.events.bus import Event
from mcpsecurity_server.transport.limits import Limits

__all__ = ["Reader"]


class Reader:
    """A `Subscription`. It yields events once `begin` was called, and calls `detach` once when it closes."""

    def __init__(
        self,
        session: str,
        stream: str,
        token: str,
        limits: Limits,
        detach: Callable[["Reader"], Awaitable[None]],
    ) -> None:
        self.session = session
        self.stream = stream
        self.token = token
        self.position = 0
        self.read = 0
        self.joined = False
        self._taken = 0
        self._limits = limits
        self._detach = detach
        self._begun = False
        self._ended = False
        self._detached = False
        self._last = 0
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether its queue is full."""
        waiting, limits = len(self._events), self._limits
        return waiting >= limits.queued_events or (waiting > 1 and self._bytes > limits.queued_bytes)

    def begin(self, position: int, missed: list[Event]) -> None:
        """Queue the events of the log, then those that arrived meanwhile."""
        arrived, self._events = self._events, deque()
        self._bytes, self._last, self._begun, self.position = 0, position, True, position
        self.read = self._taken = position
        for event in (*missed, *arrived):
            self.put(event)

    def put(self, event: Event) -> None:
        """Queue an event, ignoring duplicates; detach a reader that falls behind."""
        if self._ended or (self._begun and event.number <= self._last):
            return
        self._last = event.number
        self._events.append(event)
        self._bytes += len(event.data or b"")
        self._wake.set()
        if len(self._events) > self._limits.queued_events + self._limits.log_events:
            self.end()

    async def wait_for_room(self) -> None:
        """Wait for a slow reader; detach it if it does not read."""
        try:
            async with asyncio.timeout(self._limits.patience_seconds):
                while self.full and not self._ended:
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:
            self.end()

    async def next(self) -> Event | None:
        """Wait for an event; None when the reader was detached. Asking confirms that the last was written."""
        self.read = self._taken
        while not (self._begun and self._events) and not self._ended:
            self._wake.clear()
            await self._wake.wait()
        if self._ended:
            return None
        event = self._events.popleft()
        self._bytes -= len(event.data or b"")
        self._taken = event.number
        self._room.set()
        return event

    def end(self) -> None:
        """Detach the reader; its unread events stay in the log."""
        self._ended = True
        self._events.clear()
        self._wake.set()
        self._room.set()

    async def close(self) -> None:
        """Stop reading. Closing twice is safe."""
        self.end()
        if not self._detached:
            self._detached = True
            await self._detach(self)
