"""How often somebody may do something."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

__all__ = ["Limit", "RateLimiter"]

_KEPT = 50_000


class Limit(Protocol):
    """How often each key may do something."""

    async def waiting(self, key: str) -> float:
        """Take one; return 0, or after how many seconds there is one again."""


class RateLimiter:
    """Token buckets by key: `per_minute` on average, as many at once. `timer` gives monotonic seconds.

    Bounded: with too many keys the longest unused is forgotten, whose bucket has filled up meanwhile.
    """

    def __init__(self, per_minute: float, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._capacity = per_minute
        self._rate = per_minute / 60.0
        self._timer = timer
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one; return 0, or after how many seconds there is one again."""
        now = self._timer()
        left, at = self._buckets.pop(key, (self._capacity, now))
        left = min(self._capacity, left + (now - at) * self._rate)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._rate
        self._buckets[key] = (left if wait else left - 1.0, now)
        while len(self._buckets) > _KEPT:
            self._buckets.popitem(last=False)
        return wait

    async def waiting(self, key: str) -> float:
        """Do what `take` does, as a `Limit`."""
        return self.take(key)
