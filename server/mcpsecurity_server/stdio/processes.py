"""A process of the command for each caller: what one person keeps in it, no other sees."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from mcp import types

from mcpsecurity.client import Command, CommandError
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity_server.stdio.child_process import StdioProcess, failure
from mcpsecurity_server.transport import Owner

_PROCESSES: Final = 50
_IDLE_SECONDS: Final = 900.0
_SWEEP_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Callbacks about processes; each gets the caller whose process it is.

    Attributes:
        notified: gets what they say of themselves.
        prepare: awaited when a process has become a caller's, before its first request.
        is_heard: tells whether a caller waits for what an idle process says, so that it stays.
    """

    notified: Callable[[Owner, types.ServerNotification], Awaitable[None]]
    prepare: Callable[[Owner, StdioProcess], Awaitable[None]]
    is_heard: Callable[[Owner], Awaitable[bool]]


class Processes:
    """The processes of one command, from `start` to `aclose`.

    A caller's process starts with their first request and ends after `idle_seconds` without one, unless the
    caller waits for what it says. At most `limit` run at a time; then the one that was idle for longest gives
    way.
    """

    def __init__(
        self,
        command: Command,
        listeners: Listeners,
        *,
        limit: int = _PROCESSES,
        idle_seconds: float = _IDLE_SECONDS,
    ) -> None:
        self._command = command
        self._listeners = listeners
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._spare: StdioProcess | None = None
        self._of: dict[Owner, asyncio.Task[StdioProcess]] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def start(self) -> types.InitializeResult:
        """Start a process, which the first caller gets; return what the server says of itself.

        Raises:
            CommandError: the command is no MCP server.
        """
        self._spare = StdioProcess(self._command)
        greeting = await self._spare.start()
        self._sweeper = asyncio.create_task(self._sweep(), name="mcp-stdio-sweep")
        return greeting

    async def aclose(self) -> None:
        """End all processes."""
        if self._sweeper is not None:
            await end_tasks(self._sweeper)
        starting = list(self._of.values())
        await end_tasks(*starting)
        for owner in list(self._of):
            self._end(owner)
        if self._spare is not None:
            self._close(self._spare)
        await asyncio.gather(*self._closing)

    async def of(self, owner: Owner) -> StdioProcess:
        """Return the caller's process, which is started if it does not run.

        Raises:
            McpError: it cannot be started, or too many run, each with a call.
        """
        task = self._of.get(owner)
        if task is not None and task.done() and not _alive(task):
            self._end(owner)
            task = None
        if task is None:
            self._make_room()
            task = self._of[owner] = asyncio.create_task(self._started(owner), name="mcp-stdio-start")
        try:
            process = await asyncio.shield(task)
        except CommandError as error:
            raise failure(f"The server cannot be started: {error}") from error
        process.used = time.monotonic()
        return process

    async def _started(self, owner: Owner) -> StdioProcess:
        process, self._spare = self._spare, None
        if process is None or not process.alive:
            if process is not None:
                self._close(process)
            process = StdioProcess(self._command)
            await process.start()
        process.notified = partial(self._listeners.notified, owner)
        await self._listeners.prepare(owner, process)
        return process

    def _make_room(self) -> None:
        for owner in [owner for owner, task in self._of.items() if task.done() and not _alive(task)]:
            self._end(owner)
        if len(self._of) < self._limit:
            return
        idle = {owner: task.result().used for owner, task in self._of.items() if _idle(task)}
        if not idle or len(self._closing) >= self._limit:
            raise failure("Too many people use this server now. Try again in a moment.")
        self._end(min(idle, key=lambda owner: idle[owner]))

    def _end(self, owner: Owner) -> None:
        """Take a process from its caller, and close what is left of it."""
        task = self._of.pop(owner)
        if not task.cancelled() and task.exception() is None:
            self._close(task.result())

    def _close(self, process: StdioProcess) -> None:
        """Close a process, for which no request waits."""
        closing = asyncio.create_task(process.aclose(), name="mcp-stdio-end")
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    async def _sweep(self) -> None:
        """End processes that were idle for long."""
        while True:
            await asyncio.sleep(min(_SWEEP_SECONDS, self._idle_seconds))
            late = time.monotonic() - self._idle_seconds
            for owner, task in list(self._of.items()):
                if task.done() and not _alive(task):
                    self._end(owner)
                elif _is_late(task, late) and not await self._listeners.is_heard(owner):
                    self._end_if_late(owner, task, late)

    def _end_if_late(self, owner: Owner, task: asyncio.Task[StdioProcess], late: float) -> None:
        """End a process, unless it was used or replaced while it was asked whether it is heard."""
        if self._of.get(owner) is task and _is_late(task, late):
            self._end(owner)


def _alive(task: asyncio.Task[StdioProcess]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None and task.result().alive


def _is_late(task: asyncio.Task[StdioProcess], late: float) -> bool:
    return _idle(task) and task.result().used < late


def _idle(task: asyncio.Task[StdioProcess]) -> bool:
    """Tell whether a process runs and works on nothing."""
    return _alive(task) and not task.result().busy
