"""A response of Server-Sent Events (WHATWG HTML, section 9.2)."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from mcpsecurity_server.transport.http.responses import EXTRA_HEADERS

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


class EventResponse:
    """Writes events as the response to `http`. Every write has a deadline of `patience` seconds.

    Raises:
        ConnectionError: the client has disconnected (from every method that writes).
        TimeoutError: the client does not read.
    """

    __slots__ = ("_http", "_patience", "response")

    def __init__(self, http: web.Request, patience: float, headers: Mapping[str, str] | None = None) -> None:
        extra = http.get(EXTRA_HEADERS, {})
        self.response = web.StreamResponse(headers={**_HEADERS, **extra, **(headers or {})})
        # The call may outlive its stream; no other request must wait for it on this connection.
        self.response.force_close()
        self._http = http
        self._patience = patience

    @property
    def gone(self) -> bool:
        """Whether the client's connection is closed. aiohttp does not report it, so it has to be polled."""
        transport = self._http.transport
        return transport is None or transport.is_closing()

    async def start(self) -> None:
        """Send the headers."""
        async with asyncio.timeout(self._patience):
            await self.response.prepare(self._http)

    async def send(self, data: bytes, id: str | None = None) -> None:  # noqa: A002 - the protocol's word
        """Send one event; `data` has no line break. Empty data makes an event that only carries its id."""
        kind = b"event: message\n" if data else b""
        named = b"id: %s\n" % id.encode() if id is not None else b""
        await self._write(b"%s%sdata: %s\n\n" % (kind, named, data))

    async def keep_alive(self) -> None:
        """Send a comment, so that no proxy closes the connection."""
        await self._write(b": keep-alive\n\n")

    async def retry(self, milliseconds: int) -> None:
        """Send the time after which the client reconnects once the stream is closed."""
        await self._write(b"retry: %d\n\n" % milliseconds)

    async def end(self) -> None:
        """Finish the response."""
        async with asyncio.timeout(self._patience):
            await self.response.write_eof()

    def abort(self) -> None:
        """Close the connection of a client that does not read."""
        transport = self._http.transport
        if transport is not None:
            transport.abort()

    async def _write(self, data: bytes) -> None:
        async with asyncio.timeout(self._patience):
            await self.response.write(data)
