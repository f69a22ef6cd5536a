"""How much of one caller runs at the same time."""

import asyncio
from typing import Any, Protocol, TypeVar

from mcpsecurity_server.transport.framing.replies import RefusedError
from mcpsecurity_server.transport.identity import Owner

__all__ = ["Holder", "Places", "running_task"]


class Holder(Protocol):
    """Something that runs for somebody."""

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


class Places(set[T]):
    """Has room for `limit` of each caller. Whoever wants a place asks, adds itself, and removes itself at the
    end.

    Callers are told apart only when so much runs that one of them could have too much: until then, nobody
    has to ask. Can be counted in any thread.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def ask(self, owner: Owner) -> None:
        """Return if there is a place.

        Raises:
            RefusedError: there is none (429).
        """
        if len(self) >= self.limit and sum(holder.owner == owner for holder in self) >= self.limit:
            raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
