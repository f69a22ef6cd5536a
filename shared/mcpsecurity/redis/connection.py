"""The connection to Redis, where replicas keep what they have in common.

It needs the extra `scale`: import this module only when a Redis is configured.
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

from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.redis.errors import ClockSkewError, RedisUnavailableError

__all__ = ["RedisConnection", "translated"]

_SECONDS = 3.0
_RETRIES = 2
_COMPARE_SECONDS = 60.0
_MOST_SKEW = 60.0


class RedisConnection:
    """A connection to the Redis that replicas have in common; use it as an async context manager.

    Args:
        url: redis://…, rediss://… or unix://….
        keys: encrypt what is stored.
        prefix: begins every name, so that other programs can use the same Redis.

    Attributes:
        client: the Redis client; call it inside `translated()`.
        keys: encrypt what is stored.
    """

    def __init__(self, url: str, keys: EncryptionKeys, *, prefix: str = "mcpsecurity") -> None:
        self.keys = keys
        self._prefix = prefix
        self._compared = self._offset = float("-inf")
        self.client: Redis = Redis.from_url(
            url,
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            health_check_interval=15,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), _RETRIES),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
            max_connections=200,
        )

    async def __aenter__(self) -> Self:
        """Return this object. Nothing is sent yet: a service starts although Redis is away."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.client.aclose()

    def name(self, *parts: str) -> str:
        """Return the name of a key or a channel."""
        return ":".join((self._prefix, *parts))

    async def get(self, name: str) -> bytes | None:
        """Return the value of a key, or None. Raises `RedisUnavailableError`."""
        with translated():
            value = await self.client.get(name)
        return value.encode() if isinstance(value, str) else value

    async def check(self) -> None:
        """Check that Redis answers. Raises `RedisUnavailableError`."""
        with translated():
            await self.client.ping()

    async def time(self) -> float:
        """Return seconds since 1970 by the clock of Redis, which all replicas use.

        Raises:
            RedisUnavailableError: Redis cannot be reached.
        """
        if time.monotonic() - self._compared > _COMPARE_SECONDS:
            with translated():
                seconds, microseconds = await self.client.time()
            self._compared = time.monotonic()
            self._offset = seconds + microseconds / 1e6 - self._compared
        return time.monotonic() + self._offset

    async def check_clock(self) -> None:
        """Check that this machine's clock is within a minute of the clock of Redis, if Redis answers.

        Raises:
            ClockSkewError: it is not. This machine would refuse valid tokens or accept expired ones.
        """
        try:
            skew = time.time() - await self.time()
        except RedisUnavailableError:
            return
        if abs(skew) > _MOST_SKEW:
            raise ClockSkewError(f"this machine's clock is {abs(skew):.0f} s off")


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the Redis client into `RedisUnavailableError`."""
    try:
        yield
    except (TimeoutError, RedisError, OSError) as error:
        raise RedisUnavailableError("Redis cannot be used at the moment") from error
