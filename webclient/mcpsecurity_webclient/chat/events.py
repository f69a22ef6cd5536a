"""A conversation's events: published once, kept for a while, and followed by any number of pages."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Protocol

from mcpsecurity_webclient.chat.wire import to_json

__all__ = ["ChatEvent", "EventBus", "InMemoryEventBus", "Subscription", "follow"]

_KEPT = 400
_KEPT_CHARACTERS = 32 * 1024
_QUEUED = 500


class ChatEvent(NamedTuple):
    """One event with its place in the order; `data` is JSON."""

    epoch: str
    seq: int
    name: str
    data: str

    @property
    def id(self) -> str:
        """What the browser sends back as `Last-Event-ID`."""
        return f"{self.epoch}-{self.seq}"


class Subscription:
    """One page's view of the events. It ends when the page is too slow or the conversation is over."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[ChatEvent | None] = asyncio.Queue()
        self._ended = False

    def put(self, event: ChatEvent) -> None:
        """Hand over an event; a page that lets too many pile up is let go, and comes back for a snapshot."""
        if self._queue.qsize() >= _QUEUED:
            self.end()
        elif not self._ended:
            self._queue.put_nowait(event)

    def end(self) -> None:
        """End the iteration after what is queued."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)

    async def next(self, patience: float) -> ChatEvent | None:
        """Return the next event, None at the end. Raises `TimeoutError` when none comes in time."""
        async with asyncio.timeout(patience):
            return await self._queue.get()


class EventBus(Protocol):
    """Where a conversation publishes and pages subscribe."""

    def publish(self, name: str, run_id: str | None, payload: dict[str, Any]) -> None:
        """Give an event to every page, in order."""

    def subscribe(self, last: str | None, snapshot: Callable[[], dict[str, Any]]) -> Subscription:
        """Follow the events after `last`, or, when they are not known, from a snapshot on."""

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop following."""

    def tell(self, subscription: Subscription, name: str, payload: dict[str, Any]) -> None:
        """Give an event to one page only. It has no place in the order and is not kept."""

    def forget(self) -> None:
        """Keep nothing of the past: pages that missed some of it get a snapshot."""

    def close(self) -> None:
        """End every subscription."""


class InMemoryEventBus:
    """An `EventBus` of one conversation in this process."""

    def __init__(self, chat_id: str, clock: Callable[[], float] = time.time) -> None:
        self._chat_id = chat_id
        self._clock = clock
        self._epoch = secrets.token_hex(4)
        self._seq = 0
        self._kept: deque[ChatEvent] = deque()
        self._kept_characters = 0
        self._subscriptions: set[Subscription] = set()

    def publish(self, name: str, run_id: str | None, payload: dict[str, Any]) -> None:
        """Give an event to every page, in order."""
        self._seq += 1
        event = self._event(name, run_id, payload)
        self._keep(event)
        for subscription in list(self._subscriptions):
            subscription.put(event)

    def subscribe(self, last: str | None, snapshot: Callable[[], dict[str, Any]]) -> Subscription:
        """Follow the events after `last`, or, when they are not known, from a snapshot on."""
        subscription = Subscription()
        missed = self._after(last) if last is not None else None
        if missed is None:
            state = snapshot() | {"seq": self._seq, "server_now": self._clock()}
            subscription.put(self._event("snapshot", None, state))
        for event in missed or ():
            subscription.put(event)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop following."""
        self._subscriptions.discard(subscription)

    def tell(self, subscription: Subscription, name: str, payload: dict[str, Any]) -> None:
        """Give an event to one page only. It has no place in the order and is not kept."""
        subscription.put(self._event(name, None, payload))

    def forget(self) -> None:
        """Keep nothing of the past: pages that missed some of it get a snapshot."""
        self._kept.clear()
        self._kept_characters = 0

    def close(self) -> None:
        """End every subscription."""
        for subscription in self._subscriptions:
            subscription.end()

    def _keep(self, event: ChatEvent) -> None:
        """Keep an event for pages that come back; the oldest give way to number and size."""
        self._kept.append(event)
        self._kept_characters += len(event.data)
        while len(self._kept) > _KEPT or self._kept_characters > _KEPT_CHARACTERS:
            self._kept_characters -= len(self._kept.popleft().data)

    def _event(self, name: str, run_id: str | None, payload: dict[str, Any]) -> ChatEvent:
        common = {"v": 1, "chat_id": self._chat_id, "run_id": run_id, "at": self._clock()}
        return ChatEvent(self._epoch, self._seq, name, to_json(common | payload))

    def _after(self, last: str) -> list[ChatEvent] | None:
        epoch, _, number = last.rpartition("-")
        if epoch != self._epoch or not number.isascii() or not number.isdigit() or len(number) > 12:
            return None
        seq = int(number)
        first = self._kept[0].seq if self._kept else self._seq + 1
        if seq > self._seq or seq < first - 1:
            return None
        return [event for event in self._kept if event.seq > seq]


async def follow(subscription: Subscription, keep_alive: float) -> AsyncIterator[bytes]:
    """Yield the bytes of a Server-Sent Events stream, with a comment in each pause."""
    while True:
        try:
            event = await subscription.next(keep_alive)
        except TimeoutError:
            yield b": keep-alive\n\n"
            continue
        if event is None:
            return
        yield f"id: {event.id}\nevent: {event.name}\ndata: {event.data}\n\n".encode()
