"""How often somebody may do something, at all replicas together.

Needs the extra `scale`.
"""

from hashlib import sha256
from typing import Final

from mcpsecurity.redis.connection import SharedState, translated

__all__ = ["RedisRateLimiter"]

_TAKE: Final = """
local capacity = tonumber(ARGV[1])
local rate = capacity / 60
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(kept[1]) or capacity, tonumber(kept[2]) or now
left = math.min(capacity, left + math.max(0, now - at) * rate)
local wait = 0
if left >= 1 then left = left - 1 else wait = (1 - left) / rate end
redis.call('HSET', KEYS[1], 'left', string.format('%.9f', left), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], 60000)
return string.format('%.6f', wait)
"""


class RedisRateLimiter:
    """A `Limit` in Redis, by Redis's clock: token buckets of `per_minute`, which are full again in a minute.

    `name` tells limits apart. Redis sees keys as hashes only.

    Raises:
        SharedStateError: Redis cannot be reached (from `waiting`).
    """

    def __init__(self, shared: SharedState, name: str, per_minute: float) -> None:
        self._shared = shared
        self._name = name
        self._per_minute = per_minute
        self._take = shared.redis.register_script(_TAKE)

    async def waiting(self, key: str) -> float:
        """Take one; return 0, or after how many seconds there is one again."""
        bucket = self._shared.name("rate", self._name, sha256(key.encode()).hexdigest()[:32])
        with translated():
            return float(await self._take(keys=[bucket], args=[self._per_minute]))
