"""An event loop in its own thread, so that sync tests can use what runs in it, too."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_SECONDS = 30.0
_LAST_CALLBACKS_SECONDS = 0.02
"""For connections that end or have just begun: a task that is cancelled before it runs closes nothing."""


class BackgroundLoop:
    """Runs coroutines for other threads. Closing it twice is safe."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], *, timeout: float = _SECONDS) -> T:
        """Return what `work` returns, raise what it raises; `TimeoutError` after that many seconds.

        Raises:
            RuntimeError: called from the loop's own thread, which would wait for itself, or after `close`.
        """
        if threading.current_thread() is self._thread or self._loop.is_closed():
            work.close()
            raise RuntimeError("The background loop is closed, or waits for itself.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        except BaseException:
            future.cancel()
            raise

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._loop.is_closed()

    def close(self) -> None:
        """Cancel what still runs, and end the thread."""
        if self._loop.is_closed():
            return
        self.run(_cancel_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()


async def _cancel_others() -> None:
    await asyncio.sleep(_LAST_CALLBACKS_SECONDS)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
    await asyncio.get_running_loop().shutdown_default_executor()
