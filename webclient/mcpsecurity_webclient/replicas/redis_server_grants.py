"""Tokens of other authorization servers that replicas share by Redis, encrypted."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.errors import RedisUnavailableError

_RENEWAL_SECONDS: Final = 15.0
"""Longer than a request for a token may take (`BoundedRequests`)."""
_POLL: Final = 0.05
_REPLACE: Final = """
if redis.call('hget', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then return redis.call('hdel', KEYS[1], ARGV[1]) end
redis.call('hset', KEYS[1], ARGV[1], ARGV[3])
return redis.call('pexpire', KEYS[1], ARGV[4])"""
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
        return self._opened(await self._sealed(sid, server))

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

    async def replace(self, sid: str, server: str, before: str, after: str | None) -> bool:
        """Save a grant in place of the one `before`; return False if there is another by now, or none."""
        sealed = await self._sealed(sid, server)
        now = self._opened(sealed)
        if sealed is None or now != before:
            return after is not None and now == after  # it was saved, and the answer did not arrive
        new = self._redis.keys.seal(after.encode()) if after is not None else b""
        arguments = (server, sealed, new, str(self._milliseconds))
        with translated():
            return bool(await self._redis.client.eval(_REPLACE, 1, self._name(sid), *arguments))

    @asynccontextmanager
    async def renewing(self, sid: str, server: str) -> AsyncIterator[None]:
        """Keep other replicas from renewing a grant meanwhile.

        Raises:
            RedisUnavailableError: Redis does not answer, or another replica does not come to an end with it.
        """
        name, seconds = self._redis.name("server-grant-renewal", sid, server), self._renewal
        lock = self._redis.client.lock(name, timeout=seconds, sleep=_POLL, blocking_timeout=2 * seconds)
        with translated():
            if not await lock.acquire():
                raise TimeoutError
        try:
            yield
        finally:
            with suppress(RedisUnavailableError), translated():  # it ends by itself
                await lock.release()

    async def drop(self, sid: str) -> None:
        """Delete all of a session."""
        with translated():
            await self._redis.client.delete(self._name(sid))

    async def _sealed(self, sid: str, server: str) -> bytes | None:
        with translated():
            sealed = await self._redis.client.hget(self._name(sid), server)
        return sealed if isinstance(sealed, bytes) else None

    def _opened(self, sealed: bytes | None) -> str | None:
        try:
            return self._redis.keys.open(sealed).decode() if sealed is not None else None
        except UnreadableError:
            _log.error("tokens in Redis were encrypted with a key that is not in MCPSECURITY_KEYS")
            return None

    def _name(self, sid: str) -> str:
        return self._redis.name("server-grants", sid)
