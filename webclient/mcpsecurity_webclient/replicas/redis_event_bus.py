"""A conversation's events for pages that may reconnect to another replica.

An event is in the log (`redis_event_log`) before any page gets it. So a page's `Last-Event-ID` names an event
that a later replica finds in the log, or an epoch that has no log: then the page gets a snapshot. When Redis
does not answer, the epoch ends, every page gets a snapshot, and the chat continues without a log until Redis
is back.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity_webclient.chat.event_types import EventName, EventPayload
from mcpsecurity_webclient.chat.events import ChatEvent, EventBus, Subscription, TakeSnapshot
from mcpsecurity_webclient.replicas.redis_event_log import EventLog

_UNMARKED_CHARACTERS = 48 * 1024
"""Events after which a new mark is saved: the log has to hold everything that follows a mark."""

_ROUND_CHARACTERS = 16 * 1024
_LAST_FLUSH = 2.0


@dataclass(frozen=True, slots=True)
class _Joining:
    """A page that subscribes, in its place among the events: it gets the events after its snapshot."""

    subscription: Subscription
    snapshot: TakeSnapshot
    state: ChatEvent


class RedisEventBus(EventBus):
    """A bus that logs events before it delivers them."""

    def __init__(self, chat_id: str, log: EventLog, clock: Callable[[], float] = time.time) -> None:
        super().__init__(chat_id, clock)
        self._log = log
        self._logging = log.usable
        self._waiting: list[ChatEvent | _Joining] = []
        self._flusher: asyncio.Task[None] | None = None
        self._unmarked = 0

    def publish(self, name: EventName, run_id: str | None, payload: EventPayload) -> None:
        """Deliver an event to every page, in order, once it is in the log."""
        self._seq += 1
        if self._closed:  # counted, so that no log looks complete
            return
        event = self._event(name, run_id, payload, self._seq)
        self._unmarked += len(event.data)
        if self._unmarked > _UNMARKED_CHARACTERS:
            self._unmarked = 0
            self.keep_soon()
        self._logging = self._logging or self._log.usable
        self._in_turn(event)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""
        subscription.end()
        super().unsubscribe(subscription)

    def mark(self) -> tuple[str, int] | None:
        """Return epoch and number of the last event."""
        self._unmarked = 0
        return self._epoch, self._seq

    async def recover(self, epoch: str, after: int) -> list[ChatEvent] | None:
        """Continue another process's events, and return those after its mark."""
        logged = await self._log.read(epoch)
        if logged is None or logged.last < after or logged.first > after + 1:
            self.keep_soon()  # so that no process continues from that mark
            return None
        missed = [event for event in logged.events if event.seq > after]
        if not self._log.usable:  # later events are in no log, so they need another epoch
            self.keep_soon()
            return missed
        self._epoch, self._seq = epoch, logged.last
        for event in logged.events:
            self._keep(event)
        self._told = logged.last
        return missed

    def renew(self) -> None:
        """Begin another epoch, and have it saved."""
        super().renew()
        self.keep_soon()

    def close(self) -> None:
        """End every subscription; later events are dropped."""
        super().close()
        for item in self._waiting:
            if isinstance(item, _Joining):
                item.subscription.end()

    async def aclose(self) -> None:
        """Close the bus once everything published is delivered."""
        if self._flusher is not None:
            await asyncio.wait([self._flusher], timeout=_LAST_FLUSH)
        self.close()

    async def discard(self) -> None:
        """Delete the log; one that cannot be deleted expires."""
        with suppress(RedisUnavailableError, TimeoutError):
            await self._log.drop(self._epoch)

    def _begin(self, subscription: Subscription, snapshot: TakeSnapshot) -> None:
        self._in_turn(_Joining(subscription, snapshot, self._state(snapshot)))

    def _in_turn(self, item: ChatEvent | _Joining) -> None:
        """Queue something behind everything published before it."""
        if self._flusher is None and (not self._logging or isinstance(item, _Joining)):
            self._hand_on(item)
            return
        self._waiting.append(item)
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="log events of a conversation")

    async def _flush(self) -> None:
        """Log and deliver queued events, round by round."""
        try:
            while self._waiting and not self._closed:
                items = self._round()
                try:
                    if events := [item for item in items if isinstance(item, ChatEvent)]:
                        await self._log.append(events)
                except RedisUnavailableError:
                    self._abandon(items)
                    return
                for item in items:
                    self._hand_on(item)
        finally:
            self._flusher = None

    def _round(self) -> list[ChatEvent | _Joining]:
        """Take from the queue at least one event, and as many as one append may hold."""
        size = count = 0
        for item in self._waiting:
            size += len(item.data) if isinstance(item, ChatEvent) else 0
            if count and size > _ROUND_CHARACTERS:
                break
            count += 1
        items, self._waiting = self._waiting[:count], self._waiting[count:]
        return items

    def _hand_on(self, item: ChatEvent | _Joining) -> None:
        if isinstance(item, ChatEvent):
            self._give(item)
        elif not item.subscription.ended:
            item.subscription.put(item.state)
            self._follow(item)

    def _follow(self, item: _Joining) -> None:
        self._subscriptions[item.subscription] = item.snapshot
        if self._closed:  # meanwhile
            item.subscription.end()

    def _abandon(self, items: list[ChatEvent | _Joining]) -> None:
        """Go on without the log: in another epoch, with snapshots for all pages in place of the events
        that they missed."""
        items, self._waiting = items + self._waiting, []
        self._told, self._logging = self._seq, False
        self.renew()
        for item in items:
            if isinstance(item, _Joining) and not item.subscription.ended:
                self._follow(item)
        said = [item for item in items if isinstance(item, ChatEvent) and item.name == "toast"]
        for subscription, snapshot in self._subscriptions.items():
            subscription.put(self._state(snapshot))
            for toast in said:  # a snapshot has no toasts
                subscription.put(toast._replace(epoch=self._epoch, seq=self._seq))
