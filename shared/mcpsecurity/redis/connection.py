"""The connection to Redis, where replicas keep what they have in common.

It needs the extra `scale`: import this module only when a Redis is configured.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self
from urllib.parse import unquote, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.redis.errors import ClockSkewError, RedisUnavailableError
from mcpsecurity.runtime.tasks import end_tasks

_SECONDS = 3.0
_RETRIES = 2
_COMPARE_SECONDS = 60.0
_MOST_SKEW = 60.0
_EARLY = 240.0  # seconds before a password's end
_LEAST_PAUSE = 0.5

GetPassword = Callable[[], tuple[str, float]]
"""Returns a password and the seconds that it is good for."""


class _Passwords(CredentialProvider):
    """Gives each new connection a password that is good for some time yet."""

    def __init__(self, url: str, get: GetPassword) -> None:
        self._user = unquote(urlsplit(url).username or "")
        self._get = get
        self._ends = float("-inf")

    @property
    def seconds_left(self) -> float:
        """How long the last password is still good."""
        return self._ends - time.monotonic()

    async def get_credentials_async(self) -> tuple[str, str]:
        """Return user and password. Raises `redis.ConnectionError` if the identity gives none."""
        try:
            password, seconds = await asyncio.to_thread(self._get)
        except Exception as error:  # any error of the identity means that Redis cannot be used now
            raise RedisConnectionError("there is no password for Redis") from error
        self._ends = time.monotonic() + seconds
        return self._user, password

    def get_credentials(self) -> tuple[str, str]:
        """Raise: only async connections are made."""
        raise NotImplementedError


class RedisConnection:
    """A connection to the Redis that replicas have in common; use it as an async context manager.

    Args:
        url: redis://…, rediss://… or unix://….
        keys: encrypt the stored values.
        prefix: begins every name, so that other programs can use the same Redis.
        password: returns a password and how many seconds it is good for, for a user of the URL who has none
            there; it may block. For tokens of an identity.

    Attributes:
        client: the Redis client; call it inside `translated()`.
        keys: encrypt the stored values.
    """

    def __init__(
        self,
        url: str,
        keys: EncryptionKeys,
        *,
        prefix: str = "mcpsecurity",
        password: GetPassword | None = None,
    ) -> None:
        self.keys = keys
        self._renewing: asyncio.Task[None] | None = None
        self._passwords = _Passwords(url, password) if password is not None and _lacks_password(url) else None
        self._prefix = prefix
        self._compared = self._offset = float("-inf")
        self.client: Redis = Redis.from_url(
            url if self._passwords is None else _without_user(url),
            socket_timeout=_SECONDS,
            socket_connect_timeout=_SECONDS,
            health_check_interval=15,
            retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), _RETRIES),
            retry_on_error=[RedisConnectionError, RedisTimeoutError],
            max_connections=200,
            credential_provider=self._passwords,
        )

    async def __aenter__(self) -> Self:
        """Return this object. Nothing is sent yet: a service starts although Redis is away."""
        if self._passwords is not None:
            self._renewing = asyncio.create_task(self._renew(self._passwords), name="renew redis password")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        if self._renewing is not None:
            await end_tasks(self._renewing)
        await self.client.aclose()

    async def _renew(self, passwords: "_Passwords") -> None:
        """Reopen idle connections before their password expires, which would end them."""
        while True:
            await asyncio.sleep(max(passwords.seconds_left - _EARLY, _LEAST_PAUSE))
            await self.client.connection_pool.disconnect(inuse_connections=False)

    def name(self, *parts: str) -> str:
        """Return the name of a key or a channel."""
        return ":".join((self._prefix, *parts))

    async def get(self, name: str) -> bytes | None:
        """Return the value of a key, or None. Raises `RedisUnavailableError`."""
        with translated():
            value = await self.client.get(name)
        return value.encode() if isinstance(value, str) else value

    async def swap(self, name: str, value: bytes, seconds: int) -> bytes | None:
        """Set a key for some seconds and return its value before, or None. Raises `RedisUnavailableError`."""
        with translated():
            before = await self.client.set(name, value, ex=seconds, get=True)
        return before if isinstance(before, bytes) else None

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


def _lacks_password(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.username) and parts.password is None


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the Redis client into `RedisUnavailableError`."""
    try:
        yield
    except (TimeoutError, RedisError, OSError) as error:
        raise RedisUnavailableError("Redis cannot be used at the moment") from error
