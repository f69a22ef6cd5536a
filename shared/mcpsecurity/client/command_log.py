"""What a command prints on its standard error: whole lines of bounded length, without control characters."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final, TextIO

from mcpsecurity.runtime.printable import uncoloured
from mcpsecurity.runtime.threads import in_daemon_thread

_LAST_WORDS_SECONDS: Final = 1.0
_MAX_LINE: Final = 2000

Write = Callable[[str], None]


@asynccontextmanager
async def command_log(write: Write) -> AsyncIterator[TextIO]:
    """Yield a file for a command's standard error, each line of which `write` shows in this event loop.

    On leaving, what was printed before is shown; a process that has stayed and prints more is not waited for.
    """
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    shown = asyncio.ensure_future(
        in_daemon_thread(lambda: _read(reading, lambda line: loop.call_soon_threadsafe(write, line)))
    )
    try:
        with os.fdopen(writing, "w") as log:
            yield log
    finally:
        await asyncio.wait([shown], timeout=_LAST_WORDS_SECONDS)
        shown.cancel()


@contextmanager
def threaded_command_log(write: Write) -> Iterator[TextIO]:
    """Yield a file for a command's standard error as above; `write` is called in a thread of its own."""
    reading, writing = os.pipe()
    thread = threading.Thread(target=_read, args=(reading, write), name="command log", daemon=True)
    thread.start()
    try:
        with os.fdopen(writing, "w") as log:
            yield log
    finally:
        thread.join(_LAST_WORDS_SECONDS)


def _read(reading: int, write: Callable[[str], object]) -> None:
    with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
        while line := lines.readline(_MAX_LINE):
            if text := uncoloured(line).rstrip():
                write(text)
