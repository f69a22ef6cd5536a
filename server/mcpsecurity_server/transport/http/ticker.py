"""Looks after what is running, now and then: one timer for all of it."""

import asyncio
from collections.abc import Collection
from contextvars import Context
from typing import Final, Protocol

__all__ = ["Tickable", "Ticker"]

_SECONDS: Final = 0.25


class Tickable(Protocol):
    """Something that runs for a while."""

    def look(self) -> None:
        """See whether something has to be done, such as to stop."""


class Ticker:
    """Lets all that is in `running` look after itself every quarter of a second, as long as there is any.

    Whoever adds something wakes it if it is `asleep`.
    """

    def __init__(self, running: Collection[Tickable]) -> None:
        self._running = running
        self.asleep = True

    def wake(self) -> None:
        """Set the timer, in a context that remembers nobody's request."""
        self.asleep = False
        asyncio.get_running_loop().call_later(_SECONDS, self._look, context=Context())

    def _look(self) -> None:
        for watched in tuple(self._running):
            watched.look()
        self.asleep = True
        if self._running:
            self.wake()
