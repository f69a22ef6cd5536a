"""An event stream as a page reads it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from tests.support.shapes import check_shape

from mcpsecurity.runtime.exact_decimals import loads
from mcpsecurity_webclient.chat.event_types import EVENTS, CommonPayload

__all__ = ["Event", "EventStream", "StreamEndedError", "check_payload", "open_stream"]

PATIENCE = 60.0


class StreamEndedError(Exception):
    """The server ended the stream."""


def check_payload(name: str, payload: dict[str, Any]) -> None:
    """Raise `ShapeError` if an event's payload is not of its shape, with nothing else in it."""
    common = CommonPayload.__annotations__.keys()
    check_shape(CommonPayload, {key: value for key, value in payload.items() if key in common}, name)
    own = {key: value for key, value in payload.items() if key not in common}
    check_shape({**EVENTS}[name], own, name)  # type: ignore[index] # the name came from the server


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    id: str
    name: str
    data: dict[str, Any]


class EventStream:
    """Reads Server-Sent Events; `events` are all so far, `alive` counts the signs of life between them."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.events: list[Event] = []
        self.alive = 0

    async def next(self) -> Event:
        """Return the next event. Raises `StreamEndedError`, or `TimeoutError` when none comes."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            while line := await self.response.content.readline():
                text = line.decode().rstrip("\n")
                if not text and fields.get("event") == "alive":
                    self.alive += 1
                    fields = {}
                elif not text and fields:
                    event = Event(fields["id"], fields["event"], loads(fields["data"]))
                    self.events.append(event)
                    check_payload(event.name, event.data)
                    return event
                if text:
                    name, _, value = text.partition(": ")
                    fields[name] = value
        raise StreamEndedError

    async def until(self, name: str, **payload: Any) -> dict[str, Any]:
        """Read on to an event of that name whose payload has these values, and return its payload."""
        while True:
            event = await self.next()
            if event.name == name and payload.items() <= event.data.items():
                return event.data

    async def ends(self) -> list[Event]:
        """Read to the end and return what came."""
        begin = len(self.events)
        try:
            while True:
                await self.next()
        except StreamEndedError:
            return self.events[begin:]

    async def keep_alive(self) -> None:
        """Wait for a sign of life."""
        async with asyncio.timeout(PATIENCE):
            while (await self.response.content.readline()) != b"event: alive\n":
                pass
        self.alive += 1

    @property
    def names(self) -> list[str]:
        """The names of all events so far, in order."""
        return [event.name for event in self.events]


@asynccontextmanager
async def open_stream(
    http: aiohttp.ClientSession, url: str, last_event_id: str | None = None
) -> AsyncIterator[EventStream]:
    """Follow a stream; it has to begin."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id is not None else {}
    timeout = aiohttp.ClientTimeout(total=None, connect=PATIENCE)
    async with http.get(url, headers=headers, timeout=timeout, allow_redirects=False) as response:
        assert response.status == 200, await response.text()
        yield EventStream(response)
