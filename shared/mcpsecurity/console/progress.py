"""How far a tool is, in lines of the terminal."""

import time
from collections.abc import Callable
from typing import Final

from mcpsecurity.runtime.printable import one_line

_EVERY_SECONDS: Final = 1.0
_MAX_MESSAGE: Final = 200


class ProgressLines:
    """Shows what tools report of their progress: at most one line a second, and the last one of each call."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._next = 0.0

    async def show(self, progress: float, total: float | None, message: str | None) -> None:
        """Show a report, unless one was shown just now and this one is not the end."""
        now = self._clock()
        if now < self._next and (total is None or progress < total):
            return
        self._next = now + _EVERY_SECONDS
        far = f"{progress:g} of {total:g}" if total else f"{progress:g}"
        said = one_line(message)[:_MAX_MESSAGE] if message else ""
        self._write(f"  {said} ({far})" if said else f"  {far}")
