"""`eventually` waits, and not for ever."""

import itertools

import pytest
from tests.support.eventually import eventually


async def test_the_first_true_value_is_returned() -> None:
    numbers = itertools.count()
    assert await eventually(lambda: next(numbers)) == 1


async def test_a_coroutine_function_is_awaited() -> None:
    numbers = itertools.count()

    async def number() -> int:
        return next(numbers)

    assert await eventually(number) == 1


async def test_an_error_that_may_pass_is_waited_out_and_another_is_raised() -> None:
    steps = iter([LookupError, ValueError])

    def fail() -> None:
        raise next(steps)

    with pytest.raises(ValueError):  # noqa: PT011 - it has no text
        await eventually(fail, in_spite_of=(LookupError,))


async def test_what_never_comes_true_is_given_up() -> None:
    with pytest.raises(TimeoutError, match=r"<lambda> was False for 0\.05 seconds"):
        await eventually(lambda: False, seconds=0.05)
