"""Token caches that replicas share by Redis, encrypted."""

import logging
from typing import Final

import msal  # type: ignore[import-untyped] # it has no types

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.errors import RedisUnavailableError

_SET_IF_UNCHANGED: Final = """
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1"""
_log = logging.getLogger(__name__)


class RedisTokenCacheStore:
    """A `TokenCacheStore` in Redis. `lifetime` is how long a session lasts, in seconds.

    While Redis is away a session goes on with the tokens that this process has. A change is saved only if no
    other replica has changed the tokens meanwhile: it must bring back neither those of before a new sign-in,
    nor those of a session that has ended. What is lost is an access token, which Entra ID gives again.
    """

    def __init__(self, redis: RedisConnection, *, lifetime: float) -> None:
        self._redis = redis
        self._milliseconds = int(lifetime * 1000)
        self._caches: dict[str, msal.SerializableTokenCache] = {}
        self._seen: dict[str, bytes] = {}
        """What Redis had for a session when this process read or wrote it last."""

    def open(self, sid: str) -> msal.SerializableTokenCache:
        """Return the session's cache in this process; `load` brings it up to date."""
        return self._caches.setdefault(sid, msal.SerializableTokenCache())

    async def load(self, sid: str) -> None:
        """Load the tokens that other replicas have added to a session's cache."""
        cache = self.open(sid)
        if cache.has_state_changed and await self._saved(sid):
            return
        try:
            sealed = await self._redis.get(self._name(sid))
            self._seen[sid] = sealed or b""
            state = self._redis.keys.open(sealed).decode() if sealed else None
        except RedisUnavailableError:
            return
        except UnreadableError:
            _log.error("tokens in Redis were encrypted with a key that is not in MCPSECURITY_KEYS")
            state = None
        cache.deserialize(state)

    async def keep(self, sid: str) -> None:
        """Save a session's cache if it has changed; a save that fails is tried again next time."""
        if self.open(sid).has_state_changed:
            await self._saved(sid)

    async def move(self, source: str, target: str) -> None:
        """Move one session's tokens to another, replacing those it had."""
        cache = self._caches[target] = self._caches.pop(source)
        cache.has_state_changed = True
        self._seen.pop(target, None)
        await self.keep(target)
        with translated():
            await self._redis.client.delete(self._name(source))

    async def drop(self, sid: str) -> None:
        """Delete a session's tokens, for all replicas."""
        self.let_go(sid)
        with translated():
            await self._redis.client.delete(self._name(sid))

    def let_go(self, sid: str) -> None:
        """Drop the copies in this process."""
        self._caches.pop(sid, None)
        self._seen.pop(sid, None)

    async def _saved(self, sid: str) -> bool:
        """Save a session's cache; return False if another replica was faster, whose tokens then count."""
        cache, name, seen = self.open(sid), self._name(sid), self._seen.get(sid)
        sealed = self._redis.keys.seal(cache.serialize().encode())
        try:
            with translated():
                if seen is None:
                    await self._redis.client.set(name, sealed, px=self._milliseconds)
                elif not await self._redis.client.eval(
                    _SET_IF_UNCHANGED, 1, name, seen, sealed, str(self._milliseconds)
                ):
                    return False
        except RedisUnavailableError:
            cache.has_state_changed = True
            _log.warning("tokens could not be shared with other replicas")
            return True
        self._seen[sid] = sealed
        return True

    def _name(self, sid: str) -> str:
        return self._redis.name("tokens", sid)
