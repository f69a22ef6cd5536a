"""Rate limits by key, such as one for each person."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

_MAX_KEYS = 50_000


class RateLimiter(Protocol):
    """Limits how often each key may do something."""

    async def acquire(self, key: str) -> float:
        """Count one use of `key`. Return 0 if it is allowed, else the seconds until the next one is."""


class InMemoryRateLimiter:
    """A `RateLimiter` for one process: each key may make `per_minute` uses a minute, all at once if it likes.

    It keeps 50,000 keys at most and drops the longest unused first. `timer` returns monotonic seconds.
    """

    def __init__(self, per_minute: float, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._capacity = per_minute
        self._rate = per_minute / 60.0
        self._timer = timer
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def acquire(self, key: str) -> float:
        """Count one use of `key`; see `RateLimiter`."""
        now = self._timer()
        left, at = self._buckets.pop(key, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._rate)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._rate
        self._buckets[key] = (left if wait else left - 1.0, now)
        while len(self._buckets) > _MAX_KEYS:
            self._buckets.popitem(last=False)
        return wait
