"""Tokens of other authorization servers that replicas share by Redis, encrypted."""

import logging
from contextlib import AbstractAsyncContextManager
from typing import Final

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.lock import locked

_RENEWAL_SECONDS: Final = 15.0
"""Longer than a request for a token may take (`BoundedRequests`)."""
_log = logging.getLogger(__name__)


class RedisServerGrantStore:
    """A `ServerGrantStore` in Redis, one hash for each session.

    `lifetime` is how long a session lasts, `renewal` how long other replicas wait for one that died while it
    renewed a grant; both in seconds.
    """

    def __init__(self, redis: RedisConnection, *, lifetime: float, renewal: float = _RENEWAL_SECONDS) -> None:
        self._redis = redis
        self._milliseconds = int(lifetime * 1000)
        self._renewal = renewal

    async def get(self, sid: str, server: str) -> str | None:
        """Return the grant of a session for a server; None if it cannot be decrypted."""
        with translated():
            sealed = await self._redis.client.hget(self._name(sid), server)
        try:
            return self._redis.keys.open(sealed).decode() if isinstance(sealed, bytes) else None
        except UnreadableError:
            _log.error("tokens in Redis were encrypted with a key that is not in MCPSECURITY_KEYS")
            return None

    async def put(self, sid: str, server: str, text: str | None) -> None:
        """Save one; None deletes it."""
        name = self._name(sid)
        with translated():
            if text is None:
                await self._redis.client.hdel(name, server)
                return
            async with self._redis.client.pipeline(transaction=True) as pipeline:
                pipeline.hset(name, server, self._redis.keys.seal(text.encode()))
                pipeline.pexpire(name, self._milliseconds)
                await pipeline.execute()

    def renewing(self, sid: str, server: str) -> AbstractAsyncContextManager[None]:
        """Return what keeps other replicas from renewing a grant meanwhile."""
        name = self._redis.name("server-grant-renewal", sid, server)
        return locked(self._redis, name, seconds=self._renewal)

    async def drop(self, sid: str) -> None:
        """Delete all of a session."""
        with translated():
            await self._redis.client.delete(self._name(sid))

    def _name(self, sid: str) -> str:
        return self._redis.name("server-grants", sid)
