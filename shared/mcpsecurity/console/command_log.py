"""What a command prints on its standard error, in lines above the one that is being typed."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TextIO

from mcpsecurity.runtime.threads import in_daemon_thread

_LAST_WORDS_SECONDS: Final = 1.0
_MAX_LINE: Final = 2000


@asynccontextmanager
async def command_log(write: Callable[[str], None]) -> AsyncIterator[TextIO]:
    """Yield a file for a command's standard error, each line of which `write` shows in this event loop.

    On leaving, what was printed before is shown; a process that has stayed and prints more is not waited for.
    """
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()

    def read() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(_MAX_LINE):
                if text := line.rstrip():
                    loop.call_soon_threadsafe(write, text)

    shown = asyncio.ensure_future(in_daemon_thread(read))
    try:
        with os.fdopen(writing, "w") as log:
            yield log
    finally:
        await asyncio.wait([shown], timeout=_LAST_WORDS_SECONDS)
        shown.cancel()
