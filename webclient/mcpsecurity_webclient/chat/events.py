"""A conversation's events: published once, kept for a while, and followed by any number of pages."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from mcpsecurity_webclient.chat.event_types import EventName, EventPayload, Snapshot
from mcpsecurity_webclient.chat.strict_json import to_json
from mcpsecurity_webclient.chat.views import StateView

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
        """Queue an event. A page that falls behind is disconnected, and returns for a snapshot."""
        if self._queue.qsize() >= _QUEUED:
            self.end()
        elif not self._ended:
            self._queue.put_nowait(event)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._ended

    def end(self) -> None:
        """End the iteration after the queued events."""
        if not self._ended:
            self._ended = True
            self._queue.put_nowait(None)

    async def next(self, patience: float) -> ChatEvent | None:
        """Return the next event, None at the end. Raises `TimeoutError` when none comes in time."""
        async with asyncio.timeout(patience):
            return await self._queue.get()


TakeSnapshot = Callable[[], StateView]
"""Returns the state of a conversation as it is now."""


class EventBus:
    """The bus on which a conversation publishes events to its pages, in this process.

    `keep_soon` is called when `mark` should be kept with the conversation before long.
    """

    def __init__(self, chat_id: str, clock: Callable[[], float] = time.time) -> None:
        self._chat_id = chat_id
        self._clock = clock
        self._epoch = secrets.token_hex(4)
        self._seq = 0  # of the last published event
        self._told = 0  # of the last event that pages may have got
        self._closed = False
        self.keep_soon: Callable[[], None] = _not_needed
        self._kept: deque[ChatEvent] = deque()
        self._kept_characters = 0
        self._subscriptions: dict[Subscription, TakeSnapshot] = {}

    @property
    def followed(self) -> bool:
        """Whether a page follows."""
        return bool(self._subscriptions)

    def publish(self, name: EventName, run_id: str | None, payload: EventPayload) -> None:
        """Give an event to every page, in order."""
        self._seq += 1
        self._give(self._event(name, run_id, payload, self._seq))

    def subscribe(self, last: str | None, snapshot: TakeSnapshot) -> Subscription:
        """Follow the events after `last`, or, when they are not known, from a snapshot on."""
        subscription = Subscription()
        missed = self._after(last) if last is not None else None
        if missed is None:
            self._begin(subscription, snapshot)
        else:
            for event in missed:
                subscription.put(event)
            self._subscriptions[subscription] = snapshot
        if self._closed:
            subscription.end()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop following."""
        self._subscriptions.pop(subscription, None)

    def tell(self, subscription: Subscription, name: EventName, payload: EventPayload) -> None:
        """Give an event to one page only. It has no place in the order and is not kept."""
        subscription.put(self._event(name, None, payload, self._told))

    def tell_all(self, name: EventName, payload: EventPayload) -> None:
        """Give an event to every page that follows, as `tell` does."""
        for subscription in list(self._subscriptions):
            self.tell(subscription, name, payload)

    def forget(self) -> None:
        """Drop past events: pages that missed some of them get a snapshot."""
        self._kept.clear()
        self._kept_characters = 0

    def mark(self) -> tuple[str, int] | None:
        """Return epoch and number of the last event, if another process can go on from it."""
        return None

    async def recover(self, epoch: str, after: int) -> list[ChatEvent] | None:  # noqa: ARG002 - of a bus that replicas share
        """Go on with the events of another process, and return those after its mark. None: some are missing,
        so that pages get snapshots."""
        return None

    def renew(self) -> None:
        """Go on in another epoch: every page that comes gets a snapshot."""
        self._epoch = secrets.token_hex(4)
        self.forget()

    def close(self) -> None:
        """End every subscription; later events are dropped."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.end()

    async def aclose(self) -> None:
        """Close it when the published events are delivered."""
        self.close()

    async def discard(self) -> None:
        """Forget the conversation for good."""

    def _give(self, event: ChatEvent) -> None:
        """Hand an event to every page, and keep it for those that come back."""
        self._told = event.seq
        self._keep(event)
        for subscription in list(self._subscriptions):
            subscription.put(event)

    def _begin(self, subscription: Subscription, snapshot: TakeSnapshot) -> None:
        """Let a page follow from a snapshot on."""
        subscription.put(self._state(snapshot))
        self._subscriptions[subscription] = snapshot

    def _state(self, snapshot: TakeSnapshot) -> ChatEvent:
        state: Snapshot = {**snapshot(), "seq": self._seq, "server_now": self._clock()}
        return self._event("snapshot", None, state, self._seq)

    def _keep(self, event: ChatEvent) -> None:
        """Keep an event for pages that come back; the oldest give way to number and size."""
        self._kept.append(event)
        self._kept_characters += len(event.data)
        while len(self._kept) > _KEPT or self._kept_characters > _KEPT_CHARACTERS:
            self._kept_characters -= len(self._kept.popleft().data)

    def _event(self, name: EventName, run_id: str | None, payload: EventPayload, seq: int) -> ChatEvent:
        common = {"v": 1, "chat_id": self._chat_id, "run_id": run_id, "at": self._clock()}
        return ChatEvent(self._epoch, seq, name, to_json({**common, **payload}))

    def _after(self, last: str) -> list[ChatEvent] | None:
        epoch, _, number = last.rpartition("-")
        if epoch != self._epoch or not number.isascii() or not number.isdigit() or len(number) > 12:
            return None
        seq = int(number)
        first = self._kept[0].seq if self._kept else self._told + 1
        if seq > self._told or seq < first - 1:
            return None
        return [event for event in self._kept if event.seq > seq]


def _not_needed() -> None:
    """Keep nothing: no other process can go on."""


async def follow(subscription: Subscription, keep_alive: float) -> AsyncIterator[bytes]:
    """Yield the bytes of a Server-Sent Events stream, with a sign of life after `keep_alive` silent seconds.

    A page cannot see comments, so that is an event. It has no id: a page that comes back names the one
    before.
    """
    while True:
        try:
            event = await subscription.next(keep_alive)
        except TimeoutError:
            yield f'event: alive\ndata: {{"every": {keep_alive}}}\n\n'.encode()
            continue
        if event is None:
            return
        yield f"id: {event.id}\nevent: {event.name}\ndata: {event.data}\n\n".encode()
