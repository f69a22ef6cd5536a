"""How much of one caller runs at the same time."""

import asyncio
from collections.abc import Collection, Iterator
from typing import Any, Protocol, TypeVar

from mcpsecurity_server.transport.framing.replies import RefusedError
from mcpsecurity_server.transport.identity import Owner

__all__ = ["Holder", "Places", "running_task"]


class Holder(Protocol):
    """Something that runs for somebody."""

    owner: Owner


T = TypeVar("T", bound=Holder)


def running_task() -> asyncio.Task[Any]:
    """Return the task that handles the request."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("requests are handled in a task")
    return task


class Places(Collection[T]):
    """Has room for `limit` of each caller. Whoever takes a place gives it back.

    Callers are told apart only when so much runs that one of them could have too much. Can be counted in any
    thread.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._holders: set[T] = set()

    def __len__(self) -> int:
        return len(self._holders)

    def __iter__(self) -> Iterator[T]:
        return iter(self._holders)

    def __contains__(self, holder: object) -> bool:
        return holder in self._holders

    def take(self, holder: T) -> None:
        """Take a place.

        Raises:
            RefusedError: there is none (429).
        """
        if len(self._holders) >= self._limit and self._of(holder.owner) >= self._limit:
            raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
        self._holders.add(holder)

    def give_back(self, holder: T) -> None:
        """Let another request of the caller in."""
        self._holders.remove(holder)

    def _of(self, owner: Owner) -> int:
        return sum(holder.owner == owner for holder in self._holders)
