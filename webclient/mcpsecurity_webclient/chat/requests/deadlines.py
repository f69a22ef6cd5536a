"""Deadlines that the person can move: WCAG 2.2.1, Timing Adjustable.

A request waits `seconds`, and again that long after each time the person asks for more, but never longer than
the operator's limit from its beginning on. `WEBCLIENT_APPROVAL_TIMEOUT`, `WEBCLIENT_ELICITATION_TIMEOUT` and
`WEBCLIENT_LONGEST_WAIT` are these times, with their defaults in `settings`.
"""

import asyncio
from typing import NamedTuple

from mcpsecurity_webclient.errors import NoMoreTimeError, RequestExpiredError


class WaitingTime(NamedTuple):
    """How long requests wait: `seconds` at first, and `longest` however often the person asks for more."""

    seconds: float
    longest: float

    def latest(self, now: float) -> float:
        """Return the latest end of a request that begins `now`."""
        return now + max(self.longest, self.seconds)

    def extended(self, expires_at: float, latest_at: float, now: float) -> float:
        """Return the new deadline of a request, by the same clock.

        Raises:
            NoMoreTimeError: it is the latest already.
        """
        later = min(now + self.seconds, latest_at)
        if later <= expires_at:
            raise NoMoreTimeError
        return later


class Deadline:
    """When one request expires, by a clock in seconds since 1970, from `now` on."""

    def __init__(self, time: WaitingTime, now: float) -> None:
        self.expires_at = now + time.seconds
        self.latest_at = time.latest(now)
        self._time = time
        self._limit: asyncio.Timeout | None = None

    def limit(self) -> asyncio.Timeout:
        """Return a context manager that raises `TimeoutError` at the deadline."""
        self._limit = asyncio.timeout(self._time.seconds)
        return self._limit

    def extend(self, now: float) -> float:
        """Move the deadline and return it. Raises NoMoreTimeError, RequestExpiredError."""
        later = self._time.extended(self.expires_at, self.latest_at, now)
        reschedule(self._limit, later - now)
        self.expires_at = later
        return later


def reschedule(limit: asyncio.Timeout | None, seconds: float) -> None:
    """Let the requests within `limit` wait `seconds` from now on; None: nothing waits yet.

    Raises:
        RequestExpiredError: its time is up.
    """
    if limit is None:
        return
    try:
        limit.reschedule(asyncio.get_running_loop().time() + seconds)
    except RuntimeError as error:
        raise RequestExpiredError from error
