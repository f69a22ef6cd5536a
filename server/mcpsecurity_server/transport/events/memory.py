"""The `EventBus` of a service that is one process."""

from collections import OrderedDict, deque
from collections.abc import Sequence

from mcpsecurity_server.transport.events.bus import (
    STANDALONE,
    Event,
    EventsGoneError,
    Listener,
    StreamTakenError,
)
from mcpsecurity_server.transport.events.queue import EventQueue
from mcpsecurity_server.transport.jsonrpc import RequestId
from mcpsecurity_server.transport.limits import Limits


class _Reader(EventQueue):
    """A `Subscription`: queues the events for one connection."""

    __slots__ = ("_stream", "_taken")

    def __init__(self, stream: "_Stream", position: int, missed: list[Event], limits: Limits) -> None:
        super().__init__(limits, position, missed)
        self._stream = stream
        self._taken = 0

    async def next(self) -> Event | None:
        """Wait for an event. Asking for the next one confirms that the last one was written."""
        self._stream.read = max(self._stream.read, self._taken)
        event = await self.take()
        if event is not None:
            self._taken = event.number
        return event

    async def close(self) -> None:
        self.end()

    def end(self) -> None:
        super().end()
        if self._stream.reader is self:
            self._stream.reader = None


class _Stream:
    """One stream of a log: its reader, and the numbers of the last event read and of the last one dropped."""

    __slots__ = ("ended", "forgotten", "kept", "read", "reader")

    def __init__(self) -> None:
        self.reader: _Reader | None = None
        self.read = 0
        self.forgotten = 0
        self.kept = 0
        self.ended = False


class _Log:
    """The events of one session."""

    __slots__ = ("events", "last", "size", "streams")

    def __init__(self) -> None:
        self.events: deque[tuple[str, Event]] = deque()
        self.streams: dict[str, _Stream] = {}
        self.size = 0
        self.last = 0

    def append(self, name: str, data: bytes | None) -> tuple[_Stream, Event]:
        self.last += 1
        # A copy, because orjson's bytes keep the buffer they were written into, which is much longer.
        event = Event(self.last, bytes(memoryview(data)) if data is not None else None)
        stream = self.streams.get(name)
        if stream is None:
            stream = self.streams[name] = _Stream()
        stream.ended = stream.ended or data is None
        stream.kept += 1
        self.events.append((name, event))
        self.size += len(data or b"")
        return stream, event

    def forget_oldest(self) -> int:
        """Drop the oldest event, and its stream if no event of it is left; return the event's size."""
        name, event = self.events.popleft()
        stream, size = self.streams[name], len(event.data or b"")
        stream.forgotten = event.number
        stream.kept -= 1
        self.size -= size
        if stream.ended and stream.kept == 0:
            del self.streams[name]  # a reader has its own queue
        return size

    def after(self, name: str, number: int) -> list[Event]:
        return [event for stream, event in self.events if stream == name and event.number > number]


class InMemoryEventBus:
    """An `EventBus` in this process. A session costs nothing before its first event."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._logs: OrderedDict[str, _Log] = OrderedDict()
        self._listeners: dict[str, tuple[Listener, ...]] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of all stored events."""
        return self._size

    async def begin(self, session: str, stream: str, ids: Sequence[RequestId]) -> None:
        """Do nothing: the events do not outlive the process."""

    async def publish(self, session: str, stream: str, data: bytes | None) -> None:
        """Append an event. Waits for a slow reader, except on the standalone stream, which no call owns."""
        log = self._log(session)
        found, event = log.append(stream, data)
        self._size += len(data or b"")
        self._trim(log)
        reader = found.reader
        if reader is None:
            return
        reader.put(event)
        if not reader.full or data is None:
            return
        if stream == STANDALONE:
            reader.end()
        else:
            await reader.wait_for_room()

    async def open(self, session: str, stream: str) -> _Reader:
        """Read a stream from its first unread event."""
        log = self._log(session)
        found = log.streams.setdefault(stream, _Stream())
        if found.reader is not None:
            raise StreamTakenError
        return self._attach(found, max(found.read, found.forgotten), log, stream)

    async def resume(self, session: str, stream: str, after: int) -> _Reader:
        """Read a stream from after an event; the stream's former reader is detached."""
        log = self._logs.get(session)
        found = log.streams.get(stream) if log is not None else None
        if log is None or found is None or after < found.forgotten or after > log.last:
            raise EventsGoneError
        if found.reader is not None:
            found.reader.end()
        return self._attach(found, after, log, stream)

    async def release(self, session: str, stream: str) -> None:
        """Detach a stream's reader."""
        log = self._logs.get(session)
        found = log.streams.get(stream) if log is not None else None
        if found is not None and found.reader is not None:
            found.reader.end()

    async def broadcast(self, session: str, message: bytes) -> None:
        """Send a message to every listener of the session."""
        for listener in self._listeners.get(session, ()):
            listener(message)

    async def subscribe(self, session: str, listener: Listener) -> None:
        """Call `listener` with each message about a session, until `unsubscribe`."""
        self._listeners[session] = (*self._listeners.get(session, ()), listener)

    async def unsubscribe(self, session: str, listener: Listener) -> None:
        """Stop calling `listener`."""
        left = tuple(other for other in self._listeners.get(session, ()) if other != listener)
        if left:
            self._listeners[session] = left
        else:
            self._listeners.pop(session, None)

    async def forget(self, session: str) -> None:
        """Drop all events of a session, and detach its readers."""
        log = self._logs.pop(session, None)
        if log is None:
            return
        self._size -= log.size
        for stream in log.streams.values():
            if stream.reader is not None:
                stream.reader.end()

    def _log(self, session: str) -> _Log:
        log = self._logs.get(session)
        if log is None:
            log = self._logs[session] = _Log()
        else:
            self._logs.move_to_end(session)
        return log

    def _attach(self, found: _Stream, position: int, log: _Log, name: str) -> _Reader:
        found.reader = _Reader(found, position, log.after(name, position), self._limits)
        return found.reader

    def _trim(self, log: _Log) -> None:
        """Drop events beyond a bound: of this session, or of all sessions, the least recently used first."""
        limits = self._limits
        while len(log.events) > limits.log_events or log.size > limits.log_bytes:
            self._size -= log.forget_oldest()
        while self._size > limits.all_logs_bytes:
            session, oldest = next(iter(self._logs.items()))
            if oldest.events:
                self._size -= oldest.forget_oldest()
            else:
                self._logs.move_to_end(session)
