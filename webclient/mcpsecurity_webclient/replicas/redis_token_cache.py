"""Token caches that replicas share by Redis, encrypted."""

import logging

import msal  # type: ignore[import-untyped] # it has no types

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.errors import RedisUnavailableError

_log = logging.getLogger(__name__)


class RedisTokenCacheStore:
    """A `TokenCacheStore` in Redis. `lifetime` is how long a session lasts, in seconds.

    While Redis is away a session goes on with the tokens that this process has.
    """

    def __init__(self, redis: RedisConnection, *, lifetime: float) -> None:
        self._redis = redis
        self._milliseconds = int(lifetime * 1000)
        self._caches: dict[str, msal.SerializableTokenCache] = {}

    def open(self, sid: str) -> msal.SerializableTokenCache:
        """Return the session's cache in this process; `load` brings it up to date."""
        return self._caches.setdefault(sid, msal.SerializableTokenCache())

    async def load(self, sid: str) -> None:
        """Load the tokens that other replicas have added to a session's cache."""
        cache = self.open(sid)
        if cache.has_state_changed:
            await self.keep(sid)
            return
        try:
            sealed = await self._redis.get(self._name(sid))
            state = self._redis.keys.open(sealed).decode() if sealed else None
        except RedisUnavailableError:
            return
        except UnreadableError:
            _log.error("tokens in Redis were encrypted with a key that is not in MCPSECURITY_KEYS")
            state = None
        cache.deserialize(state)

    async def keep(self, sid: str) -> None:
        """Save a session's cache if it has changed; a save that fails is tried again next time."""
        cache = self.open(sid)
        if not cache.has_state_changed:
            return
        sealed = self._redis.keys.seal(cache.serialize().encode())
        try:
            with translated():
                await self._redis.client.set(self._name(sid), sealed, px=self._milliseconds)
        except RedisUnavailableError:
            cache.has_state_changed = True
            _log.warning("tokens could not be shared with other replicas")

    async def move(self, source: str, target: str) -> None:
        """Move one session's tokens to another, replacing those it had."""
        cache = self._caches[target] = self._caches.pop(source)
        cache.has_state_changed = True
        await self.keep(target)
        with translated():
            await self._redis.client.delete(self._name(source))

    async def drop(self, sid: str) -> None:
        """Delete a session's tokens, for all replicas."""
        self._caches.pop(sid, None)
        with translated():
            await self._redis.client.delete(self._name(sid))

    def let_go(self, sid: str) -> None:
        """Drop the copies in this process."""
        self._caches.pop(sid, None)

    def _name(self, sid: str) -> str:
        return self._redis.name("tokens", sid)
