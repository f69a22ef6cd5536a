"""Limits of the time that a request may take, and the end of a request whose caller has left."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx


class TimeLimits:
    """Time limits of one connection, in seconds. They pause while a person signs in or answers."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._limits: set[asyncio.Timeout] = set()
        self._waiting = 0

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Raise `TimeoutError` if the body takes too long. After a pause the time starts again."""
        async with asyncio.timeout(None if self._waiting else self.seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def auth(self, auth: httpx.Auth) -> httpx.Auth:
        """Return `auth`, made to pause the limits while it gets a token: a sign-in may take minutes."""
        return _UntimedAuth(auth, self)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause all limits while the body runs."""
        self._waiting += 1
        self._reschedule(None)
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._reschedule(asyncio.get_running_loop().time() + self.seconds)

    def _reschedule(self, when: float | None) -> None:
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(when)


class OpenPost:
    """A POST that another task can end, such as the one whose caller has left."""

    def __init__(self) -> None:
        self.ended = False
        self._limit: asyncio.Timeout | None = None

    @asynccontextmanager
    async def waiting(self, seconds: float | None = None) -> AsyncIterator[None]:
        """Raise `TimeoutError` when the POST is ended, or the body takes longer than `seconds`."""
        async with asyncio.timeout(0 if self.ended else seconds) as limit:
            self._limit = limit
            try:
                yield
            finally:
                self._limit = None

    def end(self) -> None:
        """End the POST: its waiting task gets a `TimeoutError`, now or when it next waits."""
        self.ended = True
        if self._limit is not None:
            self._limit.reschedule(0)


class _UntimedAuth(httpx.Auth):
    def __init__(self, auth: httpx.Auth, limits: TimeLimits) -> None:
        self._auth = auth
        self._time_limits = limits

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        flow = self._auth.async_auth_flow(request)
        try:
            with self._time_limits.paused():
                request = await anext(flow)
            while True:
                response = yield request
                with self._time_limits.paused():
                    request = await flow.asend(response)
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()
