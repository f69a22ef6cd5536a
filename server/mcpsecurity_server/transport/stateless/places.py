"""How much of one caller runs at the same time, and the tasks to wait for when the server stops."""

import asyncio
from typing import Any

from mcpsecurity_server.transport.framing.replies import RefusedError
from mcpsecurity_server.transport.identity import Owner

__all__ = ["Places"]

Task = asyncio.Task[Any]


class Places:
    """Has room for `limit` requests of each caller. Whoever takes a place gives it back."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[Owner, set[Task]] = {}

    @property
    def tasks(self) -> set[Task]:
        """The tasks that have a place."""
        return set().union(*self._taken.values())

    def take(self, owner: Owner) -> Task:
        """Take a place for the request that the current task handles, and return the task.

        Raises:
            RefusedError: there is none (429).
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in a task")
        taken = self._taken.get(owner)
        if taken is None:
            taken = self._taken[owner] = set()
        if len(taken) >= self._limit:
            raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
        taken.add(task)
        return task

    def give_back(self, owner: Owner, task: Task) -> None:
        """Let another request of the caller in."""
        taken = self._taken[owner]
        taken.discard(task)
        if not taken:
            del self._taken[owner]
