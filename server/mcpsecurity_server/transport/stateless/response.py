"""The answer to one request while it is being made: plain JSON, or an event stream once something comes
first.
"""

import asyncio
import time
from typing import Any

from aiohttp import web

from mcpsecurity_server.transport.http.responses import json_response
from mcpsecurity_server.transport.http.sse import EventResponse
from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.limits import Limits

__all__ = ["AnswerStream"]


class AnswerStream:
    """Sends messages before the answer, and then the answer. A stream here has no ids: nobody can resume it.

    Writing to a reader that has left, or does not read, does nothing but set `lost`.
    """

    __slots__ = ("_events", "_http", "_limits", "_opening", "_written", "lost")

    def __init__(self, http: web.Request, limits: Limits) -> None:
        self._http = http
        self._limits = limits
        self._events: EventResponse | None = None
        self._opening: asyncio.Lock | None = None
        self._written = time.monotonic()
        self.lost = False

    @property
    def gone(self) -> bool:
        """Whether the client has closed the connection, or stopped to read."""
        transport = self._http.transport
        return self.lost or transport is None or transport.is_closing()

    @property
    def quiet_seconds(self) -> float:
        """How long nothing was sent."""
        return time.monotonic() - self._written

    @property
    def opened(self) -> bool:
        """Whether the answer is an event stream by now."""
        return self._events is not None

    async def emit(self, message: dict[str, Any]) -> None:
        """Send a message before the answer."""
        await self._write(to_json(message))

    async def keep_alive(self) -> None:
        """Send a comment, which turns the answer into a stream as well."""
        await self._write(None)

    async def finish(self, body: dict[str, Any], status: int) -> web.StreamResponse:
        """Send the answer and return the response; `status` counts unless the stream is open."""
        if self._events is None:
            return json_response(body, status)
        await self._write(to_json(body))
        if not self.lost:
            try:
                await self._events.end()
            except (ConnectionError, TimeoutError):
                self._lose()
        return self._events.response

    def abandoned(self) -> web.StreamResponse:
        """Return a response that nobody reads."""
        return self._events.response if self._events is not None else web.Response(status=204)

    async def _write(self, data: bytes | None) -> None:
        if self.lost:
            return
        self._written = time.monotonic()
        try:
            events = self._events or await self._open()
            await (events.keep_alive() if data is None else events.send(data))
        except (ConnectionError, TimeoutError):
            self._lose()

    async def _open(self) -> EventResponse:
        self._opening = self._opening or asyncio.Lock()
        async with self._opening:
            if self._events is None:
                events = EventResponse(self._http, self._limits.patience_seconds)
                await events.start()
                self._events = events
        return self._events

    def _lose(self) -> None:
        self.lost = True
        if self._events is not None:
            self._events.abort()
