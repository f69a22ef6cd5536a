"""Sends the event streams of sessions as HTTP responses."""

import asyncio
import secrets
import time
from collections.abc import Callable

from aiohttp import web

from mcpsecurity_server.transport.events.bus import EventBus, Subscription
from mcpsecurity_server.transport.http.sse import EventResponse
from mcpsecurity_server.transport.http.ticker import Tickable, Ticker
from mcpsecurity_server.transport.identity import end_of, token_of
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import SESSION_HEADER, has_priming
from mcpsecurity_server.transport.sessions.session import Session


class StreamWriter:
    """Sends streams of `bus`. `clock` gives seconds since 1970, for the expiry of access tokens.

    `running` are the calls whose answer may still become a stream.
    """

    def __init__(self, bus: EventBus, limits: Limits, clock: Callable[[], float]) -> None:
        self.bus = bus
        self.limits = limits
        self.running: set[Tickable] = set()
        self._ticker = Ticker(self.running)
        self._clock = clock

    def track(self, call: Tickable) -> None:
        """Call `on_tick` of a call regularly, until it is discarded from `running`."""
        self.running.add(call)
        if self._ticker.idle:
            self._ticker.start()

    async def send(
        self, http: web.Request, session: Session, stream: str, subscription: Subscription, *, primed: bool
    ) -> web.StreamResponse:
        """Send a stream as the answer to `http` and return the response.

        `primed`: begin with an event that the client can resume from. The response ends when the stream ends,
        when the caller's access token expires, or when the client disconnects. If the stream continues, the
        response says when to reconnect (`retry`).
        """
        ends = end_of(token_of(http), self._clock)
        connection = _Connection(http, session, stream, subscription, self.limits, ends)
        session.open_streams.add(connection)
        try:
            await connection.run(primed=primed)
        finally:
            session.open_streams.discard(connection)
            session.used = time.monotonic()
            await connection.close()
        return connection.response


class _Connection:
    """One response: writes the events of a subscription, until `ends` on the monotonic clock at most."""

    def __init__(
        self,
        http: web.Request,
        session: Session,
        stream: str,
        subscription: Subscription,
        limits: Limits,
        ends: float,
    ) -> None:
        self._events = EventResponse(http, limits.patience_seconds, {SESSION_HEADER: session.id})
        self._session = session
        self._stream = stream
        self._subscription = subscription
        self._limits = limits
        self._ends = ends

    @property
    def response(self) -> web.StreamResponse:
        return self._events.response

    @property
    def gone(self) -> bool:
        return self._events.gone

    async def close(self) -> None:
        await self._subscription.close()

    async def run(self, *, primed: bool) -> None:
        events = self._events
        try:
            await events.start()
            if primed and has_priming(self._session.record.version):
                await events.send(b"", self._priming_id(self._subscription.position))
            if not await self._write_all():
                await events.retry(self._limits.retry_ms)
            await events.end()
        except (ConnectionError, TimeoutError):  # the stream continues without its reader
            events.abort()

    async def _write_all(self) -> bool:
        """Return whether the stream has ended."""
        while True:
            wait = min(self._limits.keep_alive_seconds, self._ends - time.monotonic())
            if wait <= 0:
                return False
            try:
                async with asyncio.timeout(wait):
                    event = await self._subscription.next()
            except TimeoutError:
                await self._events.keep_alive()
                continue
            if event is None:
                return False
            if event.data is None:
                return True
            await self._events.send(event.data, f"{self._stream}_{event.number}")

    def _priming_id(self, position: int) -> str:
        """Return a unique event id that resumes after `position`."""
        return f"{self._stream}_{position}_{secrets.token_hex(3)}"


def read_event_id(text: str) -> tuple[str, int] | None:
    """Return the stream and number in a `Last-Event-ID`; None if this server did not issue it."""
    stream, _, rest = text.partition("_")
    number = rest.partition("_")[0]
    if not stream or not number.isascii() or not number.isdigit() or len(number) > 15:
        return None
    return stream, int(number)
