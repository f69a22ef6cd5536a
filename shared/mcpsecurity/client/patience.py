"""How long a server may take to answer. The time that a person takes does not count."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

__all__ = ["Patience"]


class Patience:
    """Time limits of one connection, in seconds; they stand still while a person is waited for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._limits: set[asyncio.Timeout] = set()
        self._waiting = 0

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Raise `TimeoutError` if the body takes too long. Waiting for a person lets the time begin anew."""
        async with asyncio.timeout(None if self._waiting else self.seconds) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def auth(self, auth: httpx.Auth) -> httpx.Auth:
        """Return `auth` such that no limit runs out while it is at work: a device code may take minutes."""
        return _OffTheClock(auth, self)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stop all limits as long as the body runs."""
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


class _OffTheClock(httpx.Auth):
    def __init__(self, auth: httpx.Auth, patience: Patience) -> None:
        self._auth = auth
        self._patience = patience

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        flow = self._auth.async_auth_flow(request)
        try:
            with self._patience.standing_still():
                request = await anext(flow)
            while True:
                response = yield request
                with self._patience.standing_still():
                    request = await flow.asend(response)
        except StopAsyncIteration:
            return
        finally:
            await flow.aclose()
