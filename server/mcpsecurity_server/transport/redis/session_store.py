"""Sessions in Redis."""

import json
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity_server.transport.identity import Owner
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.redis.pubsub import Channels
from mcpsecurity_server.transport.sessions.store import SessionRecord

_FRESH_SECONDS = 5.0
_TOUCH_SECONDS = 20.0
_CACHE_SIZE = 20_000
_CHUNK = 500


@dataclass(slots=True)
class _Cached:
    """A cached record, when it was read, and when the session's idle time was last restarted in Redis."""

    record: SessionRecord
    read: float
    touched: float


class RedisSessionStore:
    """A `SessionStore` that several processes share.

    A busy session is read from Redis every few seconds only: a process that changes or ends a session
    publishes its id, and while that channel is disconnected every request reads.

    Raises:
        RedisUnavailableError: Redis cannot be reached.
    """

    def __init__(self, redis: RedisConnection, channels: Channels, limits: Limits) -> None:
        self._redis = redis
        self._channels = channels
        self._limits = limits
        self._ms = int(limits.idle_seconds * 1000)
        self._cached: OrderedDict[str, _Cached] = OrderedDict()
        self._changed = redis.name("mcp", "changed")
        self._all = redis.name("mcp", "sessions")
        channels.always.append(self._changed)
        channels.on_message.append(self._drop_changed)
        channels.on_gap.append(self._cached.clear)

    async def add(self, record: SessionRecord) -> bool:
        """Store a new session; False when there are too many."""
        now = await self._redis.time()
        with translated():
            async with self._redis.client.pipeline(transaction=False) as pipeline:
                pipeline.zremrangebyscore(self._all, "-inf", now)
                pipeline.zcard(self._all)
                _, count = await pipeline.execute()
            if count >= self._limits.sessions:
                return False
            async with self._redis.client.pipeline(transaction=False) as pipeline:
                pipeline.set(self._name(record.id), self._sealed(record), px=self._ms)
                pipeline.zadd(self._all, {record.id: now + self._limits.idle_seconds})
                pipeline.pexpire(self._all, self._ms * 2)
                await pipeline.execute()
        return True

    async def get(self, id: str, owner: Owner) -> SessionRecord | None:  # noqa: A002 - the protocol's word
        """Return the session if it exists and belongs to `owner`; restarts its idle time."""
        now = time.monotonic()
        known = self._cached.get(id)
        if known is None or now - known.read > _FRESH_SECONDS or not self._channels.connected:
            record = await self._read(id)
            if record is None:
                self._cached.pop(id, None)
                return None
            known = self._remember(record, now, known.touched if known else now)
        if known.record.owner != owner:
            return None
        if now - known.touched > _TOUCH_SECONDS and not await self.touch(id):
            return None
        return known.record

    async def save(self, record: SessionRecord) -> None:
        """Store a changed record, unless the session was removed."""
        with translated():
            kept = await self._redis.client.set(
                self._name(record.id), self._sealed(record), xx=True, px=self._ms
            )
            await self._redis.client.publish(self._changed, record.id)
        if kept:
            self._remember(record, time.monotonic(), time.monotonic())

    async def touch(self, id: str) -> bool:  # noqa: A002
        """Restart the idle time of a session that is in use; False when it was removed."""
        until = await self._redis.time() + self._limits.idle_seconds
        with translated():
            alive = await self._redis.client.pexpire(self._name(id), self._ms)
            if alive:
                await self._redis.client.zadd(self._all, {id: until})
        known = self._cached.get(id)
        if known is not None:
            known.touched = time.monotonic()
        if not alive:
            self._cached.pop(id, None)
        return bool(alive)

    async def remove(self, id: str) -> bool:  # noqa: A002
        """Remove a session; False when it was removed already."""
        self._cached.pop(id, None)
        with translated():
            gone = await self._redis.client.delete(self._name(id))
            await self._redis.client.zrem(self._all, id)
            await self._redis.client.publish(self._changed, id)
        return bool(gone)

    async def expire(self) -> list[str]:
        """Return an empty list: Redis expires sessions."""
        return []

    async def records(self) -> AsyncIterator[SessionRecord]:
        """Yield all sessions, of every process."""
        with translated():
            listed: list[Any] = await self._redis.client.zrange(self._all, 0, -1)
        ids = [id_.decode() for id_ in listed]
        for begin in range(0, len(ids), _CHUNK):
            names = [self._name(id_) for id_ in ids[begin : begin + _CHUNK]]
            with translated():
                found: list[Any] = await self._redis.client.mget(names)
            for sealed in found:
                if sealed is not None and (record := self._opened(sealed)) is not None:
                    yield record

    def _drop_changed(self, channel: str, data: bytes) -> None:
        if channel == self._changed:
            self._cached.pop(data.decode(), None)

    async def _read(self, id: str) -> SessionRecord | None:  # noqa: A002
        sealed = await self._redis.get(self._name(id))
        return self._opened(sealed) if sealed is not None else None

    def _remember(self, record: SessionRecord, read: float, touched: float) -> _Cached:
        known = self._cached[record.id] = _Cached(record, read, touched)
        while len(self._cached) > _CACHE_SIZE:
            self._cached.popitem(last=False)
        return known

    def _sealed(self, record: SessionRecord) -> bytes:
        body = {
            "id": record.id,
            "owner": record.owner,
            "version": record.version,
            "client": record.client.decode(),
            "log_level": record.log_level,
            "subscriptions": sorted(record.subscriptions),
        }
        return self._redis.keys.seal(json.dumps(body).encode())

    def _opened(self, sealed: bytes) -> SessionRecord | None:
        try:
            body = json.loads(self._redis.keys.open(sealed))
        except UnreadableError:  # its key was removed: the client opens a new session
            return None
        return SessionRecord(
            body["id"],
            Owner(*body["owner"]),
            body["version"],
            body["client"].encode(),
            body["log_level"],
            frozenset(body["subscriptions"]),
        )

    def _name(self, id: str) -> str:  # noqa: A002
        return self._redis.name("mcp", "session", id)
