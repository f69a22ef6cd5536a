"""Server-Sent Events over aiohttp: one connection that carries one event stream for a while."""

import asyncio
import time
from collections.abc import Iterable

from aiohttp import web

from mcpsecurity_server.transport.events import Event, EventStream, frame
from mcpsecurity_server.transport.limits import Limits

__all__ = ["EventConnection"]

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_WRITE_SECONDS = 30.0
"""How long one write may wait for a slow reader."""


class EventConnection:
    """Writes a stream to one HTTP response until the stream ends, the reader leaves or `until` comes.

    `until` is the end of the caller's access token, in seconds since 1970. When the server ends
    a connection whose stream goes on, it says when to come back (`retry`).
    """

    def __init__(
        self,
        request: web.Request,
        stream: EventStream,
        limits: Limits,
        *,
        session_id: str,
        until: float | None,
    ) -> None:
        self.response = web.StreamResponse(headers={**_HEADERS, "Mcp-Session-Id": session_id})
        self._request = request
        self._stream = stream
        self._limits = limits
        self._queue = stream.attach()
        self._ends = time.monotonic() + max(0.0, until - time.time()) if until is not None else None

    async def run(self, first: Iterable[Event] = ()) -> web.StreamResponse:
        """Write `first`, then what the stream has. A reader that leaves is no error: the stream goes on."""
        try:
            await self.response.prepare(self._request)
            for event in first:
                await self._write(frame(self._stream.id, event))
            await self._write_all()
            if not self._stream.finished:
                await self._write(b"retry: %d\n\n" % self._limits.retry_ms)
            await self.response.write_eof()
        except (ConnectionError, TimeoutError):
            self._hang_up()
        finally:
            self._stream.detach(self._queue)
        return self.response

    async def _write_all(self) -> None:
        while True:
            wait = self._limits.keep_alive_seconds
            if self._ends is not None:
                wait = min(wait, self._ends - time.monotonic())
            if wait <= 0:
                return
            try:
                async with asyncio.timeout(wait):
                    event = await self._queue.get()
            except TimeoutError:
                await self._write(b": keep-alive\n\n")
                continue
            if event is None:
                return
            await self._write(frame(self._stream.id, event))

    async def _write(self, data: bytes) -> None:
        async with asyncio.timeout(_WRITE_SECONDS):
            await self.response.write(data)

    def _hang_up(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.abort()
