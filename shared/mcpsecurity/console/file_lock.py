"""A lock that programs of this machine share by a file. The system releases it when its holder ends."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_POLL: Final = 0.05

if sys.platform == "win32":
    import msvcrt

    def _take(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _release(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _take(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


@asynccontextmanager
async def locked(path: Path, *, seconds: float) -> AsyncIterator[None]:
    """Hold the lock of a file, which is made if need be. Waits for its turn for so many seconds.

    Raises:
        TimeoutError: the turn did not come.
        OSError: the file cannot be made.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _taken(file, seconds)
        try:
            yield
        finally:
            _release(file)
    finally:
        os.close(file)


async def _taken(file: int, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            try:
                return _take(file)
            except OSError:
                await asyncio.sleep(_POLL)
