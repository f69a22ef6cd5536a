"""The events that wait to be written to one client's connection."""

import asyncio
from collections import deque
from collections.abc import Iterable

from mcpsecurity_server.transport.events.bus import Event
from mcpsecurity_server.transport.limits import Limits


class EventQueue:
    """The bounded queue of a `Subscription`; it lasts until its reader is detached."""

    __slots__ = ("_bytes", "_events", "_limits", "_room", "_wake", "closed", "position")

    def __init__(self, limits: Limits, position: int = 0, missed: Iterable[Event] = ()) -> None:
        self.position = position
        self.closed = False
        self._limits = limits
        self._events = deque(missed)
        self._bytes = sum(len(event.data or b"") for event in self._events)
        self._wake = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether the queue is full."""
        waiting, limits = len(self._events), self._limits
        return waiting >= limits.queued_events or (waiting > 1 and self._bytes > limits.queued_bytes)

    def put(self, event: Event) -> None:
        """Queue an event, even if the queue is full."""
        self._events.append(event)
        self._bytes += len(event.data or b"")
        self._wake.set()

    async def take(self) -> Event | None:
        """Wait for an event; None when the reader was detached."""
        while not self._events and not self.closed:
            self._wake.clear()
            await self._wake.wait()
        if self.closed:
            return None
        event = self._events.popleft()
        self._bytes -= len(event.data or b"")
        self._room.set()
        return event

    async def wait_for_room(self) -> None:
        """Wait for a slow reader; detach it if it does not read."""
        try:
            async with asyncio.timeout(self._limits.patience_seconds):
                while self.full and not self.closed:
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:
            self.end()

    def end(self) -> None:
        """Detach the reader; its unread events stay in the log."""
        self.closed = True
        self._events.clear()
        self._wake.set()
        self._room.set()
