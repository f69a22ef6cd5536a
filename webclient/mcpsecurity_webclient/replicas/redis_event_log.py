"""The events of conversations in Redis, so that a replica that takes a person over can continue them.

The log of a conversation and an epoch is a Redis stream of its own: its name has tenant, person, conversation
and epoch, an entry holds the events of one round, sealed, and its id is `0-` and the number of the last.
Redis takes no id that is not higher, so of two replicas that append, one fails. Needs the extra `scale`.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.tasks import end_tasks
from mcpsecurity_webclient.chat.events import ChatEvent
from mcpsecurity_webclient.chat.strict_json import to_json
from mcpsecurity_webclient.store import Owner

_log = logging.getLogger(__name__)
_SECONDS = 0.5
"""How long one event may wait for Redis; then Redis counts as away for all conversations here."""

_ROUNDS = 20
_EXPIRES_MS = 600_000
_KEPT_CHARACTERS = 128 * 1024
_KEPT_ENTRIES = 1000
_AT_ONCE = 100
_SHORTEST_PAUSE, _LONGEST_PAUSE, _CALM_SECONDS = 1.0, 30.0, 60.0
_TAKEN = "equal or smaller"
"""The error of Redis for an id that is not higher: another process has appended."""

_APPEND: Final = """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '0-' .. ARGV[1], 'd', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', '0-' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
"""


class Logged(NamedTuple):
    """A log: the number of its last event, and all events since the last that was too large for it."""

    last: int
    events: list[ChatEvent]

    @property
    def first(self) -> int:
        """The number of the first event that the log holds, or would hold."""
        return self.last + 1 - len(self.events)


class _Entry(BaseModel):
    """The events of one round; None instead of events that were too large."""

    of: list[str]
    first: int
    last: int
    events: list[tuple[str, str]] | None


class _Append(NamedTuple):
    """An entry to append: the name of its log, and the arguments of the script."""

    name: str
    arguments: tuple[Any, ...]
    done: asyncio.Future[None]


class EventLogs:
    """The logs of this process's conversations. Entries of the same moment go to Redis in one round trip;
    when Redis is away, a background task probes it."""

    def __init__(self, redis: RedisConnection) -> None:
        self.redis = redis
        self._waiting: list[_Append] = []
        self._sender: asyncio.Task[None] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._available_since = float("-inf")
        self._pause = _SHORTEST_PAUSE

    @property
    def usable(self) -> bool:
        """Whether Redis accepted the last entry."""
        return self._probe is None

    async def append(self, name: str, *arguments: Any) -> None:
        """Append an entry to a log.

        Raises:
            RedisUnavailableError: Redis cannot be reached in time, or another process has appended.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Append(name, arguments, done))
        if self._sender is None:
            self._sender = asyncio.create_task(self._send(), name="log events")
        await done

    async def aclose(self) -> None:
        """Stop probing Redis."""
        if self._probe is not None:
            await end_tasks(self._probe)

    async def _send(self) -> None:
        """Send the queued entries, one round trip after the other."""
        try:
            while self._waiting:
                entries, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
                for entry, result in zip(entries, await self._sent(entries), strict=True):
                    if isinstance(result, Exception):
                        _settle(entry, RedisUnavailableError("events are not logged"))
                        if _TAKEN not in str(result):
                            self._on_unavailable()
                    else:
                        _settle(entry)
        finally:
            self._sender = None

    async def _sent(self, entries: list[_Append]) -> list[Any]:
        """Return the result of each entry: the reply of Redis, or the exception."""
        try:
            return await _in_time(self._told(entries))
        except (TimeoutError, RedisUnavailableError) as error:
            return [error] * len(entries)
        except Exception as error:  # noqa: BLE001 - the task's boundary: every caller gets a result
            _log.exception("events of conversations cannot be logged")
            return [error] * len(entries)

    async def _told(self, entries: list[_Append]) -> list[Any]:
        with translated():
            async with self.redis.client.pipeline(transaction=False) as pipeline:
                for entry in entries:
                    pipeline.eval(_APPEND, 1, entry.name, *entry.arguments)
                return await pipeline.execute(raise_on_error=False)

    def _on_unavailable(self) -> None:
        """Start probing Redis after a failure."""
        if self._probe is None:
            _log.warning("events of conversations are not logged: what replicas share cannot be reached")
            calm = time.monotonic() - self._available_since > _CALM_SECONDS
            self._pause = _SHORTEST_PAUSE if calm else min(self._pause * 2, _LONGEST_PAUSE)
            self._probe = asyncio.create_task(self._wait_for_redis(), name="ask whether Redis is back")

    async def _wait_for_redis(self) -> None:
        """Return when Redis accepts a write again."""
        while True:
            await asyncio.sleep(self._pause)
            try:
                async with asyncio.timeout(_SECONDS):
                    with translated():
                        await self.redis.client.set(self.redis.name("chat"), b"", px=1000)
                break
            except (RedisUnavailableError, TimeoutError):
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            except Exception:  # noqa: BLE001 - the task's boundary: the next probe follows
                _log.exception("it cannot be found out whether Redis is back")
                self._pause = _LONGEST_PAUSE
        self._available_since, self._probe = time.monotonic(), None


async def _in_time(work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    """Return the reply of Redis. Time is counted in rounds, because a busy process is late itself.

    Raises:
        TimeoutError: it says nothing.
    """
    task = asyncio.create_task(work, name="send events")
    try:
        for _ in range(_ROUNDS):
            done, _ = await asyncio.wait([task], timeout=_SECONDS / _ROUNDS)
            if done:
                return task.result()
        raise TimeoutError
    finally:
        await end_tasks(task)


def _settle(entry: _Append, error: Exception | None = None) -> None:
    if not entry.done.done():
        if error is None:
            entry.done.set_result(None)
        else:
            entry.done.set_exception(error)


class EventLog:
    """The log of one conversation of `owner`.

    Raises:
        RedisUnavailableError: Redis cannot be reached in time, or another process has appended.
    """

    def __init__(self, logs: EventLogs, owner: Owner, chat_id: str) -> None:
        self._logs = logs
        self._whose = [*owner, chat_id]
        self._sizes: deque[tuple[int, int]] = deque()
        self._size = 0

    @property
    def usable(self) -> bool:
        """Whether the log is complete and Redis is reachable, so that an append makes sense."""
        return self._logs.usable

    async def append(self, events: list[ChatEvent]) -> None:
        """Append events of one epoch that follow each other."""
        first, last = events[0], events[-1]
        size = sum(len(event.data) for event in events)
        said = [[event.name, event.data] for event in events] if size <= _KEPT_CHARACTERS else None
        body = {"of": [*self._whose, first.epoch], "first": first.seq, "last": last.seq, "events": said}
        # Fernet has no associated data, so the owner is part of the plaintext.
        sealed = self._logs.redis.keys.seal(to_json(body).encode())
        oldest = self._room_for(last.seq, size if said is not None else 0)
        await self._logs.append(self._name(first.epoch), last.seq, sealed, oldest, _KEPT_ENTRIES, _EXPIRES_MS)

    async def read(self, epoch: str) -> Logged | None:
        """Return the events in the log of an epoch; None if it is missing, incomplete or unreadable."""
        try:
            async with asyncio.timeout(_SECONDS):
                with translated():
                    entries: Any = await self._logs.redis.client.xrange(self._name(epoch))
            opened = [self._logs.redis.keys.open(fields[b"d"]) for _, fields in entries]
            return self._joined(epoch, [_Entry.model_validate_json(data) for data in opened])
        except (RedisUnavailableError, TimeoutError, UnreadableError, ValidationError):
            return None

    async def drop(self, epoch: str) -> None:
        """Delete the log of an epoch."""
        async with asyncio.timeout(_SECONDS):
            with translated():
                await self._logs.redis.client.delete(self._name(epoch))

    def _joined(self, epoch: str, entries: list[_Entry]) -> Logged | None:
        """Return the events in entries that belong to this conversation and follow each other."""
        self._sizes.clear()
        self._size, last, found = 0, 0, list[ChatEvent]()
        for entry in entries:
            if entry.of != [*self._whose, epoch] or (last and entry.first != last + 1):
                return None
            last, said = entry.last, entry.events
            if said is None:
                found.clear()
                continue
            found += [ChatEvent(epoch, entry.first + n, name, data) for n, (name, data) in enumerate(said)]
            self._room_for(last, sum(len(data) for _, data in said))
        return Logged(last, found) if last else None

    def _room_for(self, last: int, size: int) -> int:
        """Count an entry in; return the number of the oldest entry that is then kept."""
        self._sizes.append((last, size))
        self._size += size
        while self._size > _KEPT_CHARACTERS:
            self._size -= self._sizes.popleft()[1]
        return self._sizes[0][0] if self._sizes else last

    def _name(self, epoch: str) -> str:
        return self._logs.redis.name("chat", *self._whose, epoch)
