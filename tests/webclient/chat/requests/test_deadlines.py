"""The person can move a deadline, within the operator's limit, and not once it has passed."""

import asyncio

import pytest

from mcpsecurity_webclient.chat.requests.deadlines import Deadline, WaitingTime
from mcpsecurity_webclient.errors import NoMoreTimeError, RequestExpiredError


def test_more_time_is_the_whole_time_again_up_to_the_latest() -> None:
    deadline = Deadline(WaitingTime(100.0, 250.0), now=1000.0)
    assert (deadline.expires_at, deadline.latest_at) == (1100.0, 1250.0)
    assert deadline.extend(1090.0) == 1190.0
    assert deadline.extend(1180.0) == 1250.0
    with pytest.raises(NoMoreTimeError):
        deadline.extend(1240.0)
    assert deadline.expires_at == 1250.0


def test_a_limit_below_the_time_itself_takes_none_of_it_away() -> None:
    deadline = Deadline(WaitingTime(100.0, 10.0), now=0.0)
    assert (deadline.expires_at, deadline.latest_at) == (100.0, 100.0)


async def test_an_extension_moves_the_end_of_the_wait_itself() -> None:
    deadline = Deadline(WaitingTime(60.0, 600.0), now=0.0)
    async with deadline.limit() as limit:
        before = limit.when() or 0.0
        await asyncio.sleep(0)
        deadline.extend(30.0)
        assert (limit.when() or 0.0) > before


async def test_time_that_is_up_is_not_given_back() -> None:
    deadline = Deadline(WaitingTime(0.01, 10.0), now=0.0)
    with pytest.raises(TimeoutError):
        async with deadline.limit():
            await asyncio.Event().wait()
    with pytest.raises(RequestExpiredError):
        deadline.extend(1.0)
