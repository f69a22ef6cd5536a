"""What carries messages between the process where a call runs and the one that holds the client's connection.

Two things: event streams, which are kept for a while so that a client can resume one; and words between the
processes that work for one session, such as a client's answer that arrived elsewhere.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from mcpsecurity_server.transport.jsonrpc import RequestId

__all__ = [
    "STANDALONE",
    "Event",
    "EventBus",
    "EventsGoneError",
    "Listener",
    "StreamTakenError",
    "Subscription",
]

STANDALONE = "g"
"""Name of the stream that a GET opens; each answer that becomes a stream has a name of its own."""

Listener = Callable[[bytes], None]
"""Hears what another process says about a session."""


class StreamTakenError(Exception):
    """The stream has a reader already."""


class EventsGoneError(Exception):
    """What came after the given event is not known: never was, or is not kept any more."""


class Event(NamedTuple):
    """One event: its number, rising in the session, and its data. No data (None) ends the stream."""

    number: int
    data: bytes | None


class Subscription(Protocol):
    """A reader's place in one stream. A stream has one reader at a time."""

    position: int
    """Number after which it starts to read."""

    async def next(self) -> Event | None:
        """Wait for the next event; None when the reader has been let go although the stream goes on."""

    async def close(self) -> None:
        """Stop reading. Closing twice is safe."""


class EventBus(Protocol):
    """Event streams of sessions, and words between processes. Bounded; forgets the oldest events.

    A reader that does not keep up is let go, and can resume.
    """

    async def begin(self, session: str, stream: str, ids: Sequence[RequestId]) -> None:
        """Say that this process answers the requests `ids` on a stream, until it publishes the stream's end.

        Should the process die before, a bus between processes answers them with an error.
        """

    async def publish(self, session: str, stream: str, data: bytes | None) -> None:
        """Append an event to a stream; without data the stream ends. Waits a while for a slow reader."""

    async def open(self, session: str, stream: str) -> Subscription:
        """Read a stream from what nobody has read yet.

        Raises:
            StreamTakenError: somebody reads it.
        """

    async def resume(self, session: str, stream: str, after: int) -> Subscription:
        """Read a stream from after an event; a former reader is let go.

        Raises:
            EventsGoneError: the events that follow are not known.
        """

    async def release(self, session: str, stream: str) -> None:
        """Let a stream's reader go."""

    async def tell(self, session: str, words: bytes) -> None:
        """Say something to every process that works for the session, this one included."""

    async def listen(self, session: str, listener: Listener) -> None:
        """Hear what is said about a session, until `unlisten`."""

    async def unlisten(self, session: str, listener: Listener) -> None:
        """Hear no more."""

    async def forget(self, session: str) -> None:
        """Drop all events of a session, and let its readers go."""
