"""A rate limit that all replicas count together, in Redis. Needs the extra `scale`."""

from hashlib import sha256
from typing import Final

from mcpsecurity.redis.connection import RedisConnection, translated

_ACQUIRE: Final = """
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
    """A `RateLimiter` in Redis, by Redis's clock: each key may make `per_minute` uses a minute.

    `name` separates this limit from others. Redis sees hashes of the keys only.
    """

    def __init__(self, redis: RedisConnection, name: str, per_minute: float) -> None:
        self._redis = redis
        self._name = name
        self._per_minute = per_minute
        self._script = redis.client.register_script(_ACQUIRE)

    async def acquire(self, key: str) -> float:
        """Count one use of `key`; see `RateLimiter`. Raises `RedisUnavailableError`."""
        bucket = self._redis.name("rate", self._name, sha256(key.encode()).hexdigest()[:32])
        with translated():
            return float(await self._script(keys=[bucket], args=[self._per_minute]))
