"""Waits for what becomes true by itself, and tells nobody."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["eventually"]


async def eventually(
    condition: Callable[[], Any], *, seconds: float = 10, in_spite_of: tuple[type[Exception], ...] = ()
) -> Any:
    """Call `condition` until it returns something true, and return that. It may be a coroutine function.

    Exceptions of the types `in_spite_of` count as something false.

    Raises:
        TimeoutError: it did not come true within so many seconds.
    """
    async with asyncio.timeout(seconds):
        while True:
            try:
                value = condition()
                if inspect.isawaitable(value):
                    value = await value
            except in_spite_of:
                value = None
            if value:
                return value
            await asyncio.sleep(0.01)
