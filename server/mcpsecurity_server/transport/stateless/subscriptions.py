"""`subscriptions/listen`: a request whose answer is a stream of change notifications (basic/patterns).

A notification says that a list or resource should be read again; several that wait for a slow client become
one.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from mcpsecurity_server.transport.events.bus import EventBus
from mcpsecurity_server.transport.http.responses import RefusedError
from mcpsecurity_server.transport.http.sse import EventResponse
from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.jsonrpc import INVALID_PARAMS, MessageError, Request, result_body, to_json
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.protocol import RESOURCE_UPDATED, notification
from mcpsecurity_server.transport.stateless.concurrency import running_task

_TOPIC: Final = "changes"
"""The bus's name for messages to all processes; no session has this id."""

_ID_KEY: Final = "io.modelcontextprotocol/subscriptionId"
_LISTS: Final = {
    "toolsListChanged": ("tools", "listChanged", "notifications/tools/list_changed"),
    "promptsListChanged": ("prompts", "listChanged", "notifications/prompts/list_changed"),
    "resourcesListChanged": ("resources", "listChanged", "notifications/resources/list_changed"),
}
_CHECK_SECONDS: Final = 1.0
"""How often a quiet stream checks its connection."""

Filter = dict[str, Any]


def read_filter(request: Request, capabilities: Mapping[str, Any], limits: Limits) -> Filter:
    """Return the part of a request's filter that this server supports.

    Raises:
        MessageError: the filter is missing or malformed (-32602).
    """
    asked = request.params.get("notifications")
    uris = asked.get("resourceSubscriptions", []) if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or not isinstance(uris, list) or not all(isinstance(u, str) for u in uris):
        raise MessageError(INVALID_PARAMS, "Invalid params: notifications is no filter", request.id)
    if len(uris) > limits.subscriptions:
        text = f"Invalid params: more than {limits.subscriptions} resources"
        raise MessageError(INVALID_PARAMS, text, request.id)
    honoured: Filter = {
        name: True
        for name, (feature, ability, _) in _LISTS.items()
        if asked.get(name) is True and capabilities.get(feature, {}).get(ability)
    }
    if uris and capabilities.get("resources", {}).get("subscribe"):
        honoured["resourceSubscriptions"] = list(dict.fromkeys(uris))
    return honoured


class SubscriptionStream:
    """One open stream of `owner`. `ends`, on the monotonic clock, is when its access token expires.

    Attributes:
        task: the task that made it, and sends it.
    """

    def __init__(
        self, http: web.Request, owner: Owner, request: Request, honoured: Filter, limits: Limits, ends: float
    ) -> None:
        self.owner = owner
        self.task = running_task()
        self._events = EventResponse(http, limits.patience_seconds)
        self._id = request.id
        self._honoured = honoured
        self._limits = limits
        self._ends = ends
        self._methods = {_LISTS[name][2] for name in honoured if name in _LISTS}
        self._uris = frozenset(honoured.get("resourceSubscriptions", ()))
        self._waiting: dict[tuple[str, str | None], None] = {}
        self._wake = asyncio.Event()
        self._closing = False

    @property
    def uris(self) -> frozenset[str]:
        """The resources that its client has subscribed to."""
        return self._uris

    def deliver(self, method: str, uri: str | None) -> None:
        """Queue a change to be sent; one that the client did not ask for is dropped."""
        if method in self._methods or (method == RESOURCE_UPDATED and uri in self._uris):
            self._waiting[method, uri if method == RESOURCE_UPDATED else None] = None
            self._wake.set()

    def close(self) -> None:
        """End the stream with its result. Closing twice is safe."""
        self._closing = True
        self._wake.set()

    async def run(self) -> web.StreamResponse:
        """Send until the client disconnects, its token expires, or `close`."""
        events = self._events
        try:
            await events.start()
            await self._send("notifications/subscriptions/acknowledged", {"notifications": self._honoured})
            await self._send_changes()
            if not events.gone:
                result = {"resultType": "complete", "_meta": {_ID_KEY: self._id}}
                await events.send(to_json(result_body(self._id, result)))
                await events.end()
        except (ConnectionError, TimeoutError):  # a client that reconnects reads again what it needs
            events.abort()
        return events.response

    async def _send_changes(self) -> None:
        quiet = time.monotonic()
        while not self._events.gone and time.monotonic() < self._ends:
            if self._waiting:
                method, uri = next(iter(self._waiting))
                del self._waiting[method, uri]
                await self._send(method, {} if uri is None else {"uri": uri})
                quiet = time.monotonic()
            elif self._closing:
                return
            elif time.monotonic() - quiet > self._limits.keep_alive_seconds:
                await self._events.keep_alive()
                quiet = time.monotonic()
            else:
                await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(min(_CHECK_SECONDS, max(0.0, self._ends - time.monotonic()))):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _send(self, method: str, params: dict[str, Any]) -> None:
        await self._events.send(to_json(notification(method, {"_meta": {_ID_KEY: self._id}} | params)))


class ChangeNotifier:
    """Notifies the open streams of every process on the bus of changes."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._open: set[SubscriptionStream] = set()
        self._stopped = False

    async def announce(self, method: str, uri: str | None = None, *, owner: Owner | None = None) -> None:
        """Announce that a list or a resource has changed, to all or to one owner."""
        await self._bus.broadcast(_TOPIC, orjson.dumps([method, uri, *(owner or ())]))

    def subscriptions(self, owner: Owner) -> Iterator[str]:
        """Give the resources of each stream of an owner in this process."""
        for stream in self._open:
            if stream.owner == owner:
                yield from stream.uris

    async def start(self) -> None:
        """Receive what the processes on the bus announce."""
        await self._bus.subscribe(_TOPIC, self._receive)

    async def stop(self) -> None:
        """Stop receiving."""
        await self._bus.unsubscribe(_TOPIC, self._receive)

    def close(self) -> None:
        """End all streams with their result."""
        self._stopped = True
        for stream in list(self._open):
            stream.close()

    async def serve(self, stream: SubscriptionStream) -> web.StreamResponse:
        """Send a stream for as long as it is open.

        Raises:
            RefusedError: the server is stopping (503).
        """
        if self._stopped:
            raise RefusedError(503, "The server is stopping", Retry_After="1")
        self._open.add(stream)
        try:
            return await stream.run()
        finally:
            self._open.discard(stream)

    def _receive(self, message: bytes) -> None:
        method, uri, *owner = orjson.loads(message)
        for stream in list(self._open):
            if not owner or stream.owner == tuple(owner):
                stream.deliver(method, uri)
