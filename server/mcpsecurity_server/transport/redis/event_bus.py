"""Event streams of sessions in Redis, and messages between processes.

The log of a session is a Redis stream; a hash beside it holds how far each event stream was read and dropped
(`last`, `size`; for a stream of name N `k:N` kept, `f:N` dropped, `r:N` read, `e:N` ended). One script
appends and publishes an event, so that a reader that listens to the channel while it reads the log misses
none.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity_server.transport.events.bus import (
    STANDALONE,
    Event,
    EventsGoneError,
    Listener,
    StreamTakenError,
)
from mcpsecurity_server.transport.jsonrpc import INTERNAL_ERROR, RequestId, error_body, to_json
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.redis.pubsub import Channels
from mcpsecurity_server.transport.redis.reader import Reader
from mcpsecurity_server.transport.redis.scripts import PUBLISH, RELEASE

_READER_MS = 30_000
_ALIVE_MS = 12_000
_RENEW_SECONDS = 4.0
_DIED = "The process that ran this call has ended; how far it came is not known"


class RedisEventBus:
    """An `EventBus` that several processes share.

    Raises:
        RedisUnavailableError: Redis cannot be reached.
    """

    def __init__(self, redis: RedisConnection, channels: Channels, limits: Limits) -> None:
        self._redis = redis
        self._channels = channels
        self._limits = limits
        self._ms = int(limits.idle_seconds * 1000)
        self._readers: dict[tuple[str, str], Reader] = {}
        self._answering: set[tuple[str, str]] = set()
        self._listeners: dict[str, tuple[Listener, ...]] = {}
        self._prefix = redis.name("mcp", "said", "")
        self._publish = redis.client.register_script(PUBLISH)
        self._release = redis.client.register_script(RELEASE)
        channels.on_message.append(self._receive)
        channels.on_gap.append(self._detach_all)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Renew this process's entries, as reader and as answering process, for as long as the block runs."""
        task = asyncio.create_task(self._renew_entries(), name="renew entries in Redis")
        try:
            yield
        finally:
            await end_tasks(task)

    async def begin(self, session: str, stream: str, ids: Sequence[RequestId]) -> None:
        """Register this process as the one that answers `ids`; if it dies, the stream's reader answers."""
        with translated():
            async with self._redis.client.pipeline(transaction=False) as pipeline:
                pipeline.hset(self._meta(session), f"p:{stream}", json.dumps(list(ids)))
                pipeline.pexpire(self._meta(session), self._ms)
                pipeline.set(self._alive(session, stream), b"", px=_ALIVE_MS)
                await pipeline.execute()
        self._answering.add((session, stream))

    async def publish(self, session: str, stream: str, data: bytes | None) -> None:
        """Append an event. Waits for a slow reader in this process; one elsewhere detaches itself."""
        sealed = self._redis.keys.seal(data) if data is not None else b""
        limits = self._limits
        arguments: list[Any] = [
            self._channel(session), stream, sealed, int(data is None), limits.log_events, limits.log_bytes,
            self._ms,
        ]  # fmt: skip
        if data is None and (session, stream) in self._answering:
            self._answering.discard((session, stream))
            with translated():
                await self._redis.client.hdel(self._meta(session), f"p:{stream}")
                await self._redis.client.delete(self._alive(session, stream))
        with translated():
            await self._publish(keys=[self._log(session), self._meta(session)], args=arguments)
        reader = self._readers.get((session, stream))
        if reader is not None and data is not None and stream != STANDALONE:
            await reader.wait_for_room()

    async def open(self, session: str, stream: str) -> Reader:
        """Read a stream from its first unread event."""
        reader = self._reader(session, stream)
        with translated():
            free = await self._redis.client.set(
                self._reader_key(session, stream), reader.token, nx=True, px=_READER_MS
            )
        if not free:
            raise StreamTakenError
        with translated():
            read, forgotten = await self._redis.client.hmget(
                self._meta(session), [f"r:{stream}", f"f:{stream}"]
            )
        return await self._attached(reader, max(int(read or 0), int(forgotten or 0)))

    async def resume(self, session: str, stream: str, after: int) -> Reader:
        """Read a stream from after an event; its former reader is detached in whichever process it is."""
        with translated():
            last, kept, forgotten = await self._redis.client.hmget(
                self._meta(session), ["last", f"k:{stream}", f"f:{stream}"]
            )
        if kept is None or after < int(forgotten or 0) or after > int(last or 0):
            raise EventsGoneError
        reader = self._reader(session, stream)
        with translated():
            await self._redis.client.set(self._reader_key(session, stream), reader.token, px=_READER_MS)
        await self._send(session, b"R", f"{stream} {reader.token}".encode())
        return await self._attached(reader, after)

    async def release(self, session: str, stream: str) -> None:
        """Detach a stream's reader in whichever process it is."""
        await self._send(session, b"R", f"{stream} -".encode())

    async def broadcast(self, session: str, message: bytes) -> None:
        """Send a message to every process that works for the session, this one included."""
        await self._send(session, b"W", self._redis.keys.seal(message))

    async def subscribe(self, session: str, listener: Listener) -> None:
        """Call `listener` with each message about a session, until `unsubscribe`."""
        self._listeners[session] = (*self._listeners.get(session, ()), listener)
        try:
            await self._channels.join(self._channel(session), required=False)
        except BaseException:
            self._drop_listener(session, listener)
            raise

    async def unsubscribe(self, session: str, listener: Listener) -> None:
        """Stop calling `listener`."""
        if self._drop_listener(session, listener):
            await self._channels.leave(self._channel(session))

    async def forget(self, session: str) -> None:
        """Drop all events of a session, and detach its readers."""
        self._answering = {which for which in self._answering if which[0] != session}
        with translated():
            await self._redis.client.delete(self._log(session), self._meta(session))
        await self._send(session, b"F", b"")

    def _reader(self, session: str, stream: str) -> Reader:
        return Reader(session, stream, secrets.token_hex(6), self._limits, self._detach)

    async def _attached(self, reader: Reader, position: int) -> Reader:
        """Give a reader the log after `position`, and then each new event."""
        session, stream = reader.session, reader.stream
        before = self._readers.get((session, stream))
        if before is not None:
            await before.close()
        self._readers[session, stream] = reader
        try:
            await self._channels.join(self._channel(session))
            reader.joined = True
            with translated():
                async with self._redis.client.pipeline(transaction=False) as pipeline:
                    pipeline.hsetnx(self._meta(session), f"k:{stream}", 0)
                    pipeline.hsetnx(self._meta(session), "last", 0)
                    pipeline.pexpire(self._meta(session), self._ms)
                    pipeline.xrange(self._log(session), f"(0-{position}", "+")
                    *_, entries = await pipeline.execute()
            reader.begin(
                position, [self._event(*entry) for entry in entries if entry[1][b"s"] == stream.encode()]
            )
        except BaseException:
            await reader.close()
            raise
        return reader

    async def _detach(self, reader: Reader) -> None:
        """Remove a reader's entry, and store how far it has read."""
        session, stream = reader.session, reader.stream
        if self._readers.get((session, stream)) is reader:
            del self._readers[session, stream]
        if reader.joined:
            await self._channels.leave(self._channel(session))
        keys = [self._reader_key(session, stream), self._meta(session)]
        try:
            with translated():
                await self._release(keys=keys, args=[reader.token, f"r:{stream}", reader.read])
        except RedisUnavailableError:
            pass  # its entry expires

    async def _renew_entries(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                with translated():
                    async with self._redis.client.pipeline(transaction=False) as pipeline:
                        for session, stream in self._readers:
                            pipeline.pexpire(self._reader_key(session, stream), _READER_MS)
                        for session, stream in self._answering:
                            pipeline.set(self._alive(session, stream), b"", px=_ALIVE_MS)
                        await pipeline.execute()
                for session, stream in list(self._readers):
                    if stream != STANDALONE and (session, stream) not in self._answering:
                        await self._answer_for_dead_process(session, stream)
            except RedisUnavailableError:
                continue

    async def _answer_for_dead_process(self, session: str, stream: str) -> None:
        """Answer a stream's requests with an error if the process that ran them has died."""
        with translated():
            alive = await self._redis.client.exists(self._alive(session, stream))
            ids = await self._redis.client.hget(self._meta(session), f"p:{stream}")
            if alive or ids is None or not await self._redis.client.hdel(self._meta(session), f"p:{stream}"):
                return
        for id_ in json.loads(ids):
            await self.publish(session, stream, to_json(error_body(id_, INTERNAL_ERROR, _DIED)))
        await self.publish(session, stream, None)

    def _receive(self, channel: str, data: bytes) -> None:
        if not channel.startswith(self._prefix):
            return
        session, kind, body = channel.removeprefix(self._prefix), data[:1], data[2:]
        if kind == b"E":
            stream, number, ended, sealed = body.split(b" ", 3)
            reader = self._readers.get((session, stream.decode()))
            if reader is not None:
                reader.put(Event(int(number), None if ended == b"1" else self._redis.keys.open(sealed)))
        elif kind == b"W":
            self._deliver(session, body)
        elif kind == b"R":
            stream, token = body.split(b" ")
            reader = self._readers.get((session, stream.decode()))
            if reader is not None and reader.token != token.decode():
                reader.end()
        elif kind == b"F":
            for reader in [r for r in self._readers.values() if r.session == session]:
                reader.end()

    def _deliver(self, session: str, sealed: bytes) -> None:
        try:
            message = self._redis.keys.open(sealed)
        except UnreadableError:
            return
        for listener in self._listeners.get(session, ()):
            listener(message)

    def _detach_all(self) -> None:
        """Detach all readers: their clients resume, and get the missed events from the log."""
        for reader in list(self._readers.values()):
            reader.end()

    def _drop_listener(self, session: str, listener: Listener) -> bool:
        listeners = self._listeners.get(session, ())
        left = tuple(other for other in listeners if other != listener)
        if left:
            self._listeners[session] = left
        else:
            self._listeners.pop(session, None)
        return len(left) < len(listeners)

    async def _send(self, session: str, kind: bytes, body: bytes) -> None:
        with translated():
            await self._redis.client.publish(self._channel(session), kind + b" " + body)

    def _event(self, entry_id: bytes, fields: dict[bytes, bytes]) -> Event:
        number = int(entry_id.partition(b"-")[2])
        return Event(number, None if fields[b"e"] == b"1" else self._redis.keys.open(fields[b"d"]))

    def _channel(self, session: str) -> str:
        return self._prefix + session

    def _log(self, session: str) -> str:
        return self._redis.name("mcp", "log", session)

    def _meta(self, session: str) -> str:
        return self._redis.name("mcp", "streams", session)

    def _alive(self, session: str, stream: str) -> str:
        return self._redis.name("mcp", "alive", session, stream)

    def _reader_key(self, session: str, stream: str) -> str:
        return self._redis.name("mcp", "reader", session, stream)
