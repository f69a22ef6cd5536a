"""A rate limiter counts each key on its own, allows a burst, and returns how long to wait."""

from mcpsecurity.runtime import rate_limit as rates
from mcpsecurity.runtime.rate_limit import InMemoryRateLimiter


class Timer:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_burst_is_allowed_and_then_the_wait_is_returned() -> None:
    timer = Timer()
    limiter = InMemoryRateLimiter(60, timer=timer)
    assert [await limiter.acquire("a") for _ in range(60)] == [0.0] * 60
    assert await limiter.acquire("a") == 1.0
    assert await limiter.acquire("b") == 0.0
    timer.now += 0.5
    assert await limiter.acquire("a") == 0.5
    timer.now += 0.5
    assert await limiter.acquire("a") == 0.0
    assert await limiter.acquire("a") == 1.0


async def test_nothing_is_saved_up_beyond_the_burst() -> None:
    timer = Timer()
    limiter = InMemoryRateLimiter(2, timer=timer)
    await limiter.acquire("a")
    timer.now += 3600
    assert [await limiter.acquire("a") > 0 for _ in range(3)] == [False, False, True]


async def test_the_number_of_keys_is_bounded() -> None:
    limiter = InMemoryRateLimiter(60)
    for number in range(rates._MAX_KEYS + 10):
        await limiter.acquire(str(number))
    assert len(limiter._buckets) == rates._MAX_KEYS
