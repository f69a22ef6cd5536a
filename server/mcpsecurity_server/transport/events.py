"""Event streams: what was sent, what waits for a reader, and what can be sent again.

An event id is `<stream>_<number>`: unique in its session, and it says which stream to resume.
"""

import asyncio
from collections import deque
from typing import Any, NamedTuple, Protocol

from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.limits import Limits

__all__ = ["STANDALONE", "Event", "EventBus", "EventStream", "InMemoryEventBus", "frame"]

STANDALONE = "g"
"""Id of the stream that a GET opens; each answer that becomes a stream has a number for its id."""


class Event(NamedTuple):
    """One event of a stream: its number in it, and the message as JSON; a priming event has none."""

    number: int
    data: bytes


class EventBus(Protocol):
    """Keeps the last events of each session, for resumption. Bounded; forgets the oldest."""

    async def publish(self, session: str, stream: str, event: Event) -> None:
        """Keep an event."""

    async def after(self, session: str, stream: str, number: int) -> list[Event] | None:
        """Return the stream's events with a higher number; None when one of them is forgotten already."""

    async def forget(self, session: str) -> None:
        """Drop everything of a session."""


class _Log:
    __slots__ = ("dropped", "events", "size")

    def __init__(self) -> None:
        self.events: deque[tuple[str, Event]] = deque()
        self.dropped: dict[str, int] = {}
        self.size = 0


class InMemoryEventBus:
    """An `EventBus` in this process. A session costs nothing before its first event."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._logs: dict[str, _Log] = {}

    async def publish(self, session: str, stream: str, event: Event) -> None:
        """Keep an event."""
        log = self._logs.setdefault(session, _Log())
        log.events.append((stream, event))
        log.size += len(event.data)
        while log.events and (len(log.events) > self._limits.log_events or log.size > self._limits.log_bytes):
            name, oldest = log.events.popleft()
            log.size -= len(oldest.data)
            log.dropped[name] = oldest.number
            if len(log.dropped) > self._limits.log_events:
                del log.dropped[next(iter(log.dropped))]

    async def after(self, session: str, stream: str, number: int) -> list[Event] | None:
        """Return the stream's events with a higher number; None when one of them is forgotten already."""
        log = self._logs.get(session)
        if log is None:
            return []
        if log.dropped.get(stream, -1) > number:
            return None
        return [event for name, event in log.events if name == stream and event.number > number]

    async def forget(self, session: str) -> None:
        """Drop everything of a session."""
        self._logs.pop(session, None)


class EventStream:
    """One stream of a session. At most one reader at a time takes its events off.

    Events go to the log and to the reader's bounded queue; a reader that does not keep up is let go, and may
    come back with the id of the last event it saw. Without a reader the stream goes on.
    """

    __slots__ = ("_bus", "_limits", "_number", "_queue", "_session", "_unread", "finished", "id")

    def __init__(self, id: str, session: str, bus: EventBus, limits: Limits) -> None:  # noqa: A002
        self.id = id
        self.finished = False
        self._session = session
        self._bus = bus
        self._limits = limits
        self._number = 0
        self._queue: asyncio.Queue[Event | None] | None = None
        self._unread: deque[Event] | None = None

    @property
    def has_reader(self) -> bool:
        """Whether a connection carries this stream now."""
        return self._queue is not None

    def attach(self) -> asyncio.Queue[Event | None]:
        """Become the reader; the queue ends with None. What nobody has read yet comes first.

        A former reader's queue is ended.
        """
        self.detach()
        self._queue = asyncio.Queue(self._limits.queued_events + 1)
        for event in self._unread or ():
            self._queue.put_nowait(event)
        self._unread = None
        if self.finished:
            self._queue.put_nowait(None)
        return self._queue

    def detach(self, queue: asyncio.Queue[Event | None] | None = None) -> None:
        """Let the reader go (only the one of `queue`, if given); its queue ends when it is read out."""
        if self._queue is None or queue not in (None, self._queue):
            return
        ended, self._queue = self._queue, None
        if ended.full():
            ended.get_nowait()  # it is in the log; the reader has to resume anyway
        ended.put_nowait(None)

    async def send(self, message: dict[str, Any], *, last: bool = False) -> None:
        """Send a message; `last` ends the stream with it."""
        event = Event(self._next(), to_json(message))
        await self._bus.publish(self._session, self.id, event)
        if self._queue is None:
            if self.id == STANDALONE:
                self._unread = self._unread or deque(maxlen=self._limits.queued_events)
                self._unread.append(event)
        elif self._queue.qsize() >= self._limits.queued_events:
            self.detach()
        else:
            self._queue.put_nowait(event)
        if last:
            self.finish()

    def finish(self) -> None:
        """End the stream: nothing follows."""
        self.finished = True
        self.detach()

    async def replay(self, number: int) -> list[Event] | None:
        """Return what came after event `number`; None when that is not known any more."""
        self._unread = None
        return await self._bus.after(self._session, self.id, number)

    def _next(self) -> int:
        self._number += 1
        return self._number


def frame(stream: str, event: Event) -> bytes:
    """Return an event as Server-Sent Events has it."""
    if not event.data:
        return b"id: %s_%d\ndata: \n\n" % (stream.encode(), event.number)
    return b"event: message\nid: %s_%d\ndata: %s\n\n" % (stream.encode(), event.number, event.data)
