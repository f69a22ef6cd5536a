"""One timer for everything that runs and needs a regular check."""

import asyncio
from collections.abc import Collection
from contextvars import Context
from typing import Final, Protocol

_SECONDS: Final = 0.25


class Tickable(Protocol):
    """Something that runs for a while."""

    def on_tick(self) -> None:
        """Check deadlines; must neither block nor raise."""


class Ticker:
    """Calls `on_tick` of everything in `running` every quarter of a second, for as long as there is anything.

    After adding to `running`, call `start` if the ticker is `idle`.
    """

    def __init__(self, running: Collection[Tickable]) -> None:
        self._running = running
        self.idle = True

    def start(self) -> None:
        """Set the timer, in an empty context: it outlives the request that starts it."""
        self.idle = False
        asyncio.get_running_loop().call_later(_SECONDS, self._tick, context=Context())

    def _tick(self) -> None:
        for running in tuple(self._running):
            running.on_tick()
        self.idle = True
        if self._running:
            self.start()
