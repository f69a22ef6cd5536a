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
        self._taken: dict[Owner, int] = {}
        self.tasks: set[Task] = set()
        """The tasks that have a place."""

    def take(self, owner: Owner) -> Task:
        """Take a place for the request that the current task handles, and return the task.

        Raises:
            RefusedError: there is none (429).
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are handled in a task")
        taken = self._taken.get(owner, 0)
        if taken >= self._limit:
            raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
        self._taken[owner] = taken + 1
        self.tasks.add(task)
        return task

    def give_back(self, owner: Owner, task: Task) -> None:
        """Let another request of the caller in."""
        self.tasks.discard(task)
        left = self._taken[owner] - 1
        if left:
            self._taken[owner] = left
        else:
            del self._taken[owner]
