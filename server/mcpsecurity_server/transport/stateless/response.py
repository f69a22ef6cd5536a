"""The response to one request: plain JSON, or an event stream if a message comes before the answer."""

import asyncio
import time
from typing import Any

from aiohttp import web

from mcpsecurity_server.transport.http.responses import json_response
from mcpsecurity_server.transport.http.sse import EventResponse
from mcpsecurity_server.transport.jsonrpc import to_json
from mcpsecurity_server.transport.limits import Limits


class AnswerStream:
    """Sends messages before the answer, and then the answer. Its events have no ids: they cannot be resumed.

    Writing to a client that has disconnected, or does not read, only sets `lost`.
    """

    __slots__ = ("_events", "_http", "_keeping_alive", "_limits", "_opening", "_written", "lost")

    def __init__(self, http: web.Request, limits: Limits) -> None:
        self._http = http
        self._limits = limits
        self._events: EventResponse | None = None
        self._opening: asyncio.Lock | None = None
        self._keeping_alive: asyncio.Task[None] | None = None
        self._written = time.monotonic()
        self.lost = False

    @property
    def gone(self) -> bool:
        """Whether the client has disconnected, or stopped reading."""
        transport = self._http.transport
        return self.lost or transport is None or transport.is_closing()

    @property
    def begun(self) -> bool:
        """Whether something was sent before the answer."""
        return self._opening is not None

    async def emit(self, message: dict[str, Any]) -> None:
        """Send a message before the answer."""
        await self._write(to_json(message))

    def on_tick(self) -> None:
        """Send a comment if nothing was sent for long; it turns the response into a stream."""
        limits = self._limits
        patience = limits.stream_after_seconds if self._events is None else limits.keep_alive_seconds
        idle = self._keeping_alive is None or self._keeping_alive.done()
        if idle and time.monotonic() - self._written >= patience:
            loop = asyncio.get_running_loop()
            self._keeping_alive = loop.create_task(self._write(None), name="mcp-keep-alive")

    def close(self) -> None:
        """Send no more comments."""
        if self._keeping_alive is not None:
            self._keeping_alive.cancel()

    async def finish(self, body: dict[str, Any], status: int) -> web.StreamResponse:
        """Send the answer and return the response; `status` applies unless the stream is open."""
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
        """Return a response for a client that has disconnected."""
        return self._events.response if self._events is not None else web.Response(status=204)

    async def _write(self, data: bytes | None) -> None:
        """Send an event, or a comment for None."""
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
