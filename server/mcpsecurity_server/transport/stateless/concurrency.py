"""How much of one caller runs at the same time."""

import asyncio
from typing import Any, Generic, Protocol, TypeVar

from mcpsecurity_server.transport.http.responses import RefusedError
from mcpsecurity_server.transport.identity import Owner

__all__ = ["ConcurrencyLimit", "Holder", "running_task"]


class Holder(Protocol):
    """Something that runs for somebody, in a task."""

    task: asyncio.Task[Any]

    @property
    def owner(self) -> Owner:
        """Whose it is."""


T = TypeVar("T", bound=Holder)


def running_task() -> asyncio.Task[Any]:
    """Return the task that handles the request."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("requests are handled in a task")
    return task


class ConcurrencyLimit(Generic[T]):
    """Room for `limit` of each caller. Whoever wants a place asks, adds itself to the `holders`, and removes
    itself at the end.

    Callers are told apart only when so much runs that one of them could have too much: until then, nobody
    has to ask. Holders can be counted in any thread.
    """

    __slots__ = ("holders", "limit")

    def __init__(self, limit: int) -> None:
        self.holders: set[T] = set()
        self.limit = limit

    def ask(self, owner: Owner) -> None:
        """Return if there is a place.

        Raises:
            RefusedError: there is none (429).
        """
        if len(self.holders) < self.limit:
            return
        if sum(holder.owner == owner for holder in self.holders) >= self.limit:
            raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
