"""Sessions and unfinished sign-ins that replicas share in Redis, encrypted."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity_webclient.auth.flows import FLOW_SECONDS, Begun
from mcpsecurity_webclient.auth.sessions import SessionRecord


class RedisSessionStore:
    """A `SessionStore` in Redis. `idle` and `lifetime` are in seconds.

    A session is found by a digest of its cookie, so that read access to Redis is not enough to take it over.
    Beside it, its `sid` is marked as alive; by that mark each replica learns of sessions that have ended.

    Raises:
        RedisUnavailableError: Redis cannot be reached, so it is not known who is signed in.
    """

    def __init__(
        self,
        redis: RedisConnection,
        *,
        idle: float,
        lifetime: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._redis = redis
        self._idle = idle
        self._lifetime = lifetime
        self._clock = clock
        self._served: dict[str, SessionRecord] = {}

    async def get(self, key: str) -> SessionRecord | None:
        """Return a live session, and restart its idle time."""
        sealed = await self._redis.get(self._name(key))
        if sealed is None:
            return None
        try:
            body = json.loads(self._redis.keys.open(sealed))
        except (UnreadableError, ValueError):  # its key was removed: the person signs in again
            return None
        record = SessionRecord(body["data"], body["created"], self._clock())
        left = self._seconds_left(record)
        if left <= 0:
            return None
        await self._live(key, record, left)
        return record

    async def put(self, key: str, record: SessionRecord) -> None:
        """Save a session."""
        body = json.dumps({"data": record.data, "created": record.created}).encode()
        milliseconds = max(1, int(self._seconds_left(record) * 1000))
        with translated():
            await self._redis.client.set(self._name(key), self._redis.keys.seal(body), px=milliseconds)
            await self._redis.client.set(self._mark(record), b"", px=milliseconds)
        self._remember(record)

    async def drop(self, key: str) -> None:
        """End a session. Its mark stays, because the person may have signed in again under another cookie."""
        with translated():
            await self._redis.client.delete(self._name(key))

    async def end(self, sid: str) -> None:
        """Broadcast to every replica that a session has ended."""
        self._served.pop(sid, None)
        with translated():
            await self._redis.client.delete(self._redis.name("alive", sid))

    async def sweep(self) -> list[SessionRecord]:
        """Return the sessions that this process served and that have ended."""
        served = list(self._served.items())
        if not served:
            return []
        with translated():
            async with self._redis.client.pipeline(transaction=False) as pipeline:
                for _, record in served:
                    pipeline.exists(self._mark(record))
                alive = await pipeline.execute()
        over = [sid for (sid, _), lives in zip(served, alive, strict=True) if not lives]
        return [self._served.pop(sid) for sid in over if sid in self._served]

    async def _live(self, key: str, record: SessionRecord, left: float) -> None:
        milliseconds = max(1, int(left * 1000))
        with translated():
            async with self._redis.client.pipeline(transaction=False) as pipeline:
                pipeline.pexpire(self._name(key), milliseconds)
                pipeline.pexpire(self._mark(record), milliseconds)
                await pipeline.execute()
        self._remember(record)

    def _remember(self, record: SessionRecord) -> None:
        self._served[record.data["user"]["sid"]] = record

    def _seconds_left(self, record: SessionRecord) -> float:
        return min(self._idle, record.created + self._lifetime - self._clock())

    def _name(self, key: str) -> str:
        return self._redis.name("session", hashlib.sha256(key.encode()).hexdigest())

    def _mark(self, record: SessionRecord) -> str:
        return self._redis.name("alive", record.data["user"]["sid"])


class RedisFlowStore:
    """A `FlowStore` in Redis: a sign-in may end on a different replica from the one it began on."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis

    async def put(self, name: str, begun: Begun) -> None:
        """Save an unfinished sign-in."""
        sealed = self._redis.keys.seal(json.dumps(asdict(begun)).encode())
        with translated():
            await self._redis.client.set(self._redis.name("flow", name), sealed, ex=FLOW_SECONDS)

    async def get(self, name: str) -> Begun | None:
        """Return an unfinished sign-in that has not expired."""
        sealed = await self._redis.get(self._redis.name("flow", name))
        try:
            return Begun(**json.loads(self._redis.keys.open(sealed))) if sealed else None
        except UnreadableError:
            return None

    async def drop(self, name: str) -> bool:
        """Delete an unfinished sign-in; False if it was gone: only one of two requests completes it."""
        with translated():
            return bool(await self._redis.client.delete(self._redis.name("flow", name)))
