"""The connection to Redis, with names of our own in it and nothing secret in the clear.

Needs the extra `scale`: import this only when a Redis is configured.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mcpsecurity.redis.encryption import KeyRing
from mcpsecurity.redis.errors import ClockSkewError, SharedStateError

__all__ = ["SharedState", "translated"]

_SECONDS = 3.0
_RETRIES = 2
_COMPARE_SECONDS = 60.0
_MOST_SKEW = 60.0


class SharedState:
    """A Redis that replicas share. `prefix` begins every name, so that others can use the same Redis."""

    def __init__(self, url: str, keys: KeyRing, *, prefix: str = "mcpsecurity") -> None:
        self.keys = keys
        self._prefix = prefix
        self._compared = self._offset = float("-inf")
        self.redis: Redis = Redis.from_url(
            url,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            health_check_interval=15,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), _RETRIES),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
            max_connections=200,
        )

    async def __aenter__(self) -> Self:
        """Return it; a Redis that is away is no reason not to start."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.redis.aclose()

    def name(self, *parts: str) -> str:
        """Return the name of a key or a channel."""
        return ":".join((self._prefix, *parts))

    async def get(self, name: str) -> bytes | None:
        """Return a value. Raises `SharedStateError`."""
        with translated():
            value = await self.redis.get(name)
        return value.encode() if isinstance(value, str) else value

    async def check(self) -> None:
        """Return if Redis answers. Raises `SharedStateError`."""
        with translated():
            await self.redis.ping()

    async def time(self) -> float:
        """Return seconds since 1970 by Redis's clock: the one that replicas have in common.

        Raises:
            SharedStateError: Redis cannot be reached.
        """
        if time.monotonic() - self._compared > _COMPARE_SECONDS:
            with translated():
                seconds, microseconds = await self.redis.time()
            self._compared = time.monotonic()
            self._offset = seconds + microseconds / 1e6 - self._compared
        return time.monotonic() + self._offset

    async def check_clock(self) -> None:
        """Return if this machine's clock is close enough to Redis's, or cannot be compared with it.

        Raises:
            ClockSkewError: it is not; good tokens would be refused here, and expired ones accepted.
        """
        try:
            skew = time.time() - await self.time()
        except SharedStateError:
            return
        if abs(skew) > _MOST_SKEW:
            raise ClockSkewError(f"this machine's clock is {abs(skew):.0f} s off")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the client raises into a `SharedStateError`."""
    try:
        yield
    except (TimeoutError, RedisError, OSError) as error:
        raise SharedStateError("what the replicas share cannot be reached at the moment") from error
