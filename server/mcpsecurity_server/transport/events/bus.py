"""The bus between the process where a call runs and the process that holds the client's connection.

It has event streams, kept for a while so that a client can resume one, and messages between the processes
that work for one session, such as a client's answer that arrived in another process.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from mcpsecurity_server.transport.jsonrpc import RequestId

STANDALONE = "g"
"""Name of the stream that a GET opens; each answer that becomes a stream has another name."""

Listener = Callable[[bytes], None]
"""Called with each message that is broadcast about a session."""


class StreamTakenError(Exception):
    """The stream has a reader already."""


class EventsGoneError(Exception):
    """The events after the given one never existed, or were dropped."""


class Event(NamedTuple):
    """One event: its number, rising in the session, and its data. No data (None) ends the stream."""

    number: int
    data: bytes | None


class Subscription(Protocol):
    """One reader of one stream. A stream has one reader at a time."""

    position: int
    """Number of the event after which reading starts."""

    async def next(self) -> Event | None:
        """Wait for the next event; None when the reader was detached although the stream continues."""

    async def close(self) -> None:
        """Stop reading. Closing twice is safe."""


class EventBus(Protocol):
    """Event streams of sessions, and messages between processes. Bounded: the oldest events are dropped.

    A reader that does not keep up is detached, and its client can resume.
    """

    async def begin(self, session: str, stream: str, ids: Sequence[RequestId]) -> None:
        """Register this process as the one that answers the requests `ids` on a stream, until it ends.

        If the process dies first, a bus that several processes share answers them with an error.
        """

    async def publish(self, session: str, stream: str, data: bytes | None) -> None:
        """Append an event to a stream; `data` None ends the stream. Waits a while for a slow reader."""

    async def open(self, session: str, stream: str) -> Subscription:
        """Read a stream from its first unread event.

        Raises:
            StreamTakenError: the stream has a reader.
        """

    async def resume(self, session: str, stream: str, after: int) -> Subscription:
        """Read a stream from after an event; the stream's former reader is detached.

        Raises:
            EventsGoneError: the following events are not kept.
        """

    async def release(self, session: str, stream: str) -> None:
        """Detach a stream's reader."""

    async def broadcast(self, session: str, message: bytes) -> None:
        """Send a message to every process that works for the session, this one included."""

    async def subscribe(self, session: str, listener: Listener) -> None:
        """Call `listener` with each message about a session, until `unsubscribe`."""

    async def unsubscribe(self, session: str, listener: Listener) -> None:
        """Stop calling `listener`."""

    async def forget(self, session: str) -> None:
        """Drop all events of a session, and detach its readers."""
