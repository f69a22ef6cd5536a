"""A limit counts for each on its own, lets a burst pass, and says when to come again."""

from mcpsecurity.runtime import rate_limit as rates
from mcpsecurity.runtime.rate_limit import RateLimiter


class Timer:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_it_is_said_when_to_come_again() -> None:
    timer = Timer()
    limit = RateLimiter(60, timer=timer)
    assert [limit.take("a") for _ in range(60)] == [0.0] * 60
    assert limit.take("a") == 1.0
    assert limit.take("b") == 0.0
    timer.now += 0.5
    assert limit.take("a") == 0.5
    timer.now += 0.5
    assert limit.take("a") == 0.0
    assert limit.take("a") == 1.0


def test_nothing_is_saved_up_beyond_the_burst() -> None:
    timer = Timer()
    limit = RateLimiter(2, timer=timer)
    limit.take("a")
    timer.now += 3600
    assert [limit.take("a") > 0 for _ in range(3)] == [False, False, True]


def test_the_number_of_keys_is_bounded() -> None:
    limit = RateLimiter(60)
    for number in range(rates._KEPT + 10):
        limit.take(str(number))
    assert len(limit._buckets) == rates._KEPT
