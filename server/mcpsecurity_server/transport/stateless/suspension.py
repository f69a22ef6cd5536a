"""Ends a handler before its end: it waits for the client's answer, or its client has disconnected."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from mcpsecurity_server.transport.dispatch.dispatcher import Call

_GATHER_SECONDS: Final = 0.01
"""How long further questions of the same handler may follow the last one."""

_STUBBORN_SECONDS: Final = 1.0
"""A handler that is still running this long after it was cancelled is cancelled again."""


class Suspension:
    """Cancels the handler of `call`, which runs in `task`, from within, as `asyncio.timeout` does.

    Code of the program sees a `CancelledError`, which passes `except Exception`.

    Attributes:
        cancelled: whether the handler was cancelled.
        asking: whether the request ends with questions to its client.
    """

    __slots__ = ("_call", "_closed", "_since", "_steps", "_task", "_timer", "_waiting", "asking", "cancelled")

    def __init__(self, task: asyncio.Task[Any], call: Call) -> None:
        self.asking = False
        self.cancelled = False
        self._task = task
        self._call = call
        self._closed = False
        self._since = 0.0
        self._steps = 0
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[asyncio.Future[Any]] = []

    async def wait_for_answer(self) -> Any:
        """Wait until the handler is cancelled for its questions: their answers come with the retry."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._set_timer()
        return await waiting

    async def run_step(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Await `work`; the handler is not cancelled for its questions meanwhile."""
        self._steps += 1
        try:
            return await work()
        finally:
            self._steps -= 1
            if self._waiting:
                self._set_timer()

    def cancel(self) -> None:
        """Cancel the handler."""
        if self._closed or self.cancelled:
            return
        self.cancelled = True
        self._since = time.monotonic()
        self._task.cancel()

    def cancel_again(self) -> bool:
        """Cancel a handler once more that ignores its cancellation, and tell whether it was time to do so."""
        if self._closed or not self.cancelled or time.monotonic() - self._since < _STUBBORN_SECONDS:
            return False
        self._since = time.monotonic()
        self._task.uncancel()
        self._task.cancel()
        return True

    def close(self) -> None:
        """Cancel what waits, once the handler has ended."""
        self._closed = True
        if self.cancelled:
            self._task.uncancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None  # it refers to this object
        for waiting in self._waiting:
            waiting.cancel()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_GATHER_SECONDS, self._ask)

    def _ask(self) -> None:
        if self._steps or self._closed or self.cancelled:
            return  # the last step sets the timer again
        self.asking = True
        self._call.outcome = "input_required"
        self.cancel()
