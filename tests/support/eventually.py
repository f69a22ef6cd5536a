"""Waits for what becomes true by itself, and tells nobody."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["eventually"]


async def eventually(
    condition: Callable[[], Any], *, seconds: float = 30, in_spite_of: tuple[type[Exception], ...] = ()
) -> Any:
    """Call `condition` until it returns something true, and return that. It may be a coroutine function.

    Exceptions of the types `in_spite_of` count as something false.

    Raises:
        TimeoutError: it did not come true within so many seconds; its text names the condition.
    """
    value: Any = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    now = condition()
                    value = await now if inspect.isawaitable(now) else now
                except in_spite_of as error:
                    value = error
                else:
                    if value:
                        return value
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        name = getattr(condition, "__qualname__", repr(condition))
        raise TimeoutError(f"{name} was {value!r} for {seconds:g} seconds") from error
