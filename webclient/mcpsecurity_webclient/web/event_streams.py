"""The open event streams of each session, so that they end with it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from mcpsecurity_webclient.chat.conversation import ChatService
from mcpsecurity_webclient.chat.events import Subscription
from mcpsecurity_webclient.errors import TooManyStreamsError


class _Page(NamedTuple):
    chat: ChatService
    is_there: Callable[[], bool]


class Streams:
    """Which pages of which session follow which conversation. `limit` is per session."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: defaultdict[str, dict[Subscription, _Page]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(len(pages) for pages in list(self._open.values()))

    @asynccontextmanager
    async def follow(
        self, sid: str, chat: ChatService, last: str | None, is_there: Callable[[], bool]
    ) -> AsyncIterator[Subscription]:
        """Yield a subscription that ends with the block or with the session, whichever is first.

        `is_there` tells whether the page is still connected: a write would notice a lost page too late for
        the limit.

        Raises:
            TooManyStreamsError: the session has `limit` streams.
        """
        for subscription, page in self._open[sid].items():
            if not page.is_there():
                subscription.end()
        if sum(page.is_there() for page in self._open[sid].values()) >= self._limit:
            raise TooManyStreamsError
        subscription = chat.subscribe(last)
        self._open[sid][subscription] = _Page(chat, is_there)
        try:
            yield subscription
        finally:
            chat.events.unsubscribe(subscription)
            self._open[sid].pop(subscription, None)
            if not self._open[sid]:
                del self._open[sid]

    def expire(self, sid: str, reason: str, sign_in_url: str, chat: ChatService | None = None) -> None:
        """Tell a session's pages, or those of one conversation, that the session is over, and end their
        streams."""
        for subscription, page in list(self._open.get(sid, {}).items()):
            if chat is None or page.chat is chat:
                page.chat.events.tell(
                    subscription, "session.expired", {"reason": reason, "sign_in_url": sign_in_url}
                )
                subscription.end()

    def close(self) -> None:
        """End all streams: the pages reconnect, to another process if need be."""
        for subscriptions in self._open.values():
            for subscription in subscriptions:
                subscription.end()
