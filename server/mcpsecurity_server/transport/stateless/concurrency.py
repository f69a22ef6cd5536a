"""Limits how many requests of one caller run at the same time."""

import asyncio
from typing import Any, Generic, Protocol, TypeVar

from mcpsecurity_server.transport.http.responses import RefusedError
from mcpsecurity_server.transport.identity import Owner


class Running(Protocol):
    """A request that runs in a task."""

    task: asyncio.Task[Any]

    @property
    def owner(self) -> Owner:
        """Its caller."""


T = TypeVar("T", bound=Running)


def running_task() -> asyncio.Task[Any]:
    """Return the task that handles the current request."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("requests are handled in a task")
    return task


class ConcurrencyLimit(Generic[T]):
    """Lets `limit` requests of each caller run at the same time. `active` can be counted in any thread.

    Callers are told apart only once `limit` requests of all callers together run.
    """

    __slots__ = ("active", "limit")

    def __init__(self, limit: int) -> None:
        self.active: set[T] = set()
        self.limit = limit

    def acquire(self, request: T) -> None:
        """Add a request to `active`, until `release`.

        Raises:
            RefusedError: `limit` requests of its caller run (429).
        """
        if len(self.active) >= self.limit:
            owner = request.owner
            if sum(running.owner == owner for running in self.active) >= self.limit:
                raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
        self.active.add(request)

    def release(self, request: T) -> None:
        """Remove a request from `active`."""
        self.active.discard(request)
