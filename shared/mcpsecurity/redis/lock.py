"""A lock that processes share by Redis. It has a deadline, so a process that dies holds it no longer than
that."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.errors import RedisUnavailableError

_POLL: Final = 0.05
_RELEASE: Final = (
    "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
)


@asynccontextmanager
async def locked(redis: RedisConnection, name: str, *, seconds: float) -> AsyncIterator[None]:
    """Hold the lock `name`, for at most so many seconds: then another process may have it. It waits twice as
    long for its turn.

    Raises:
        RedisUnavailableError: Redis does not answer, or the turn did not come.
    """
    mine = secrets.token_hex(16)
    with translated():
        async with asyncio.timeout(2 * seconds):
            while not await redis.client.set(name, mine, nx=True, px=int(seconds * 1000)):  # noqa: ASYNC110 - of Redis
                await asyncio.sleep(_POLL)
    try:
        yield
    finally:
        with suppress(RedisUnavailableError), translated():  # it ends by itself
            await redis.client.eval(_RELEASE, 1, name, mine)
