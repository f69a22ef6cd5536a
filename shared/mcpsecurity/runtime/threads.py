"""Blocking work that may take minutes, such as waiting for a person."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns and raise what it raises, from a thread that the program does not wait for.

    It does with `asyncio.to_thread`: at the end the loop waits for its threads. The context is the caller's.
    When the caller is cancelled, the work goes on and its outcome is dropped.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    done: asyncio.Future[T] = loop.create_future()

    def finish(tell: Callable[[], None]) -> None:
        if not done.done():
            tell()

    def run() -> None:
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - handed to the one who waits
            told = error
            tell: Callable[[], None] = lambda: done.set_exception(told)  # noqa: E731 - one of two
        else:
            tell = lambda: done.set_result(result)  # noqa: E731 - the other
        if not loop.is_closed():
            loop.call_soon_threadsafe(finish, tell)

    threading.Thread(target=run, name="waits for a person", daemon=True).start()
    return await done
