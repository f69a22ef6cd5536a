"""Looks after what is running, now and then: one timer for all of it."""

import asyncio
from collections.abc import Iterator
from contextvars import Context
from typing import Final, Generic, Protocol, TypeVar

__all__ = ["Watch", "Watched"]

_SECONDS: Final = 0.25


class Watched(Protocol):
    """Something that runs for a while."""

    def look(self) -> None:
        """See whether something has to be done, such as to stop."""


T = TypeVar("T", bound=Watched)


class Watch(Generic[T]):
    """Lets everything that was added look after itself every quarter of a second, until it is discarded.

    It can be counted in any thread, and gone through.
    """

    def __init__(self) -> None:
        self._running: set[T] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._running))

    def add(self, watched: T) -> None:
        """Begin to look."""
        self._running.add(watched)
        if self._timer is None:
            self._arm()

    def discard(self, watched: T) -> None:
        """Look no more."""
        self._running.discard(watched)

    def _look(self) -> None:
        self._timer = None
        for watched in self:
            watched.look()
        if self._running:
            self._arm()

    def _arm(self) -> None:
        """Set the timer, in a context that remembers nobody's request."""
        self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._look, context=Context())
