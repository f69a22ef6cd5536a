"""The events of conversations in Redis, so that the replica that takes a person over can go on with them.

The log of a conversation and an epoch is a Redis stream of its own: its name has tenant, person, conversation
and epoch, an entry holds the events of one round, sealed, and its id is `0-` and the number of the last.
Redis takes no id that is not higher, so of two replicas that append, one fails. Needs the extra `scale`.
"""

import asyncio
import logging
from collections import deque
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError
from redis.exceptions import ResponseError

from mcpsecurity.scaling.errors import SharedStateError
from mcpsecurity.scaling.keyring import UnreadableError
from mcpsecurity.scaling.shared import SharedState, translated
from mcpsecurity.scaling.tasks import end_tasks
from mcpsecurity_webclient.chat.events import ChatEvent
from mcpsecurity_webclient.chat.wire import to_json
from mcpsecurity_webclient.store import Owner

__all__ = ["EventLog", "EventLogs", "Logged"]

_log = logging.getLogger(__name__)
_SECONDS = 0.5
"""How long an event may wait for Redis, once: then Redis is away for all conversations of the process."""

_EXPIRES_MS = 600_000
_KEPT_CHARACTERS = 128 * 1024
_KEPT_ENTRIES = 1000
_PAUSES = (1.0, 2.0, 4.0, 8.0)

_APPEND: Final = """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '0-' .. ARGV[1], 'd', ARGV[2])
redis.call('XTRIM', KEYS[1], 'MINID', '0-' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
"""


class Logged(NamedTuple):
    """What a log holds: the number of its last event, and all since the last that was too large for it."""

    last: int
    events: list[ChatEvent]

    @property
    def first(self) -> int:
        """The number of the first event that is there, or would be."""
        return self.last + 1 - len(self.events)


class _Entry(BaseModel):
    """The events of one round; None instead of events that were too large."""

    of: list[str]
    first: int
    last: int
    events: list[tuple[str, str]] | None


class EventLogs:
    """The logs of this process's conversations. Redis that is away is asked again in the background."""

    def __init__(self, shared: SharedState) -> None:
        self.shared = shared
        self.append = shared.redis.register_script(_APPEND)
        self._asking: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether Redis answered when it was last asked."""
        return self._asking is None

    def lost(self) -> None:
        """Hear that Redis does not answer."""
        if self._asking is None:
            _log.warning("events of conversations are not logged: what replicas share cannot be reached")
            self._asking = asyncio.create_task(self._ask(), name="ask whether Redis is back")

    async def aclose(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            await end_tasks(self._asking)

    async def _ask(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(_PAUSES[min(number, len(_PAUSES) - 1)])
            number += 1
            try:
                async with asyncio.timeout(_SECONDS):
                    await self.shared.check()
                break
            except (SharedStateError, TimeoutError):
                continue
        self._asking = None


class EventLog:
    """The log of one conversation of `owner`.

    Raises:
        SharedStateError: Redis cannot be reached in time, or another process has appended.
    """

    def __init__(self, logs: EventLogs, owner: Owner, chat_id: str) -> None:
        self._logs = logs
        self._whose = [*owner, chat_id]
        self._sizes: deque[tuple[int, int]] = deque()
        self._size = 0

    @property
    def usable(self) -> bool:
        """Whether it makes sense to append."""
        return self._logs.usable

    async def append(self, events: list[ChatEvent]) -> None:
        """Append events of one epoch that follow each other."""
        first, last = events[0], events[-1]
        size = sum(len(event.data) for event in events)
        said = [[event.name, event.data] for event in events] if size <= _KEPT_CHARACTERS else None
        body = {"of": [*self._whose, first.epoch], "first": first.seq, "last": last.seq, "events": said}
        sealed = self._logs.shared.keys.seal(to_json(body).encode())  # with whose it is: keys bind it not
        oldest = self._room_for(last.seq, size if said is not None else 0)
        try:
            async with asyncio.timeout(_SECONDS):
                with translated():
                    await self._logs.append(
                        keys=[self._name(first.epoch)],
                        args=[last.seq, sealed, oldest, _KEPT_ENTRIES, _EXPIRES_MS],
                    )
        except TimeoutError as error:
            self._logs.lost()
            raise SharedStateError("an event could not be logged in time") from error
        except SharedStateError as error:
            if not isinstance(error.__cause__, ResponseError):  # that is: somebody else was faster
                self._logs.lost()
            raise

    async def read(self, epoch: str) -> Logged | None:
        """Return what the log of an epoch holds; None if it is not there, not whole or not readable."""
        try:
            async with asyncio.timeout(_SECONDS):
                with translated():
                    entries: Any = await self._logs.shared.redis.xrange(self._name(epoch))
            opened = [self._logs.shared.keys.open(fields[b"d"]) for _, fields in entries]
            return self._joined(epoch, [_Entry.model_validate_json(data) for data in opened])
        except (SharedStateError, TimeoutError, UnreadableError, ValidationError):
            return None

    async def drop(self, epoch: str) -> None:
        """Delete the log of an epoch."""
        async with asyncio.timeout(_SECONDS):
            with translated():
                await self._logs.shared.redis.delete(self._name(epoch))

    def _joined(self, epoch: str, entries: list[_Entry]) -> Logged | None:
        """Return entries that are of this conversation and follow each other as what they hold."""
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
        """Count an entry in; return the number of the oldest that is kept with it."""
        self._sizes.append((last, size))
        self._size += size
        while self._size > _KEPT_CHARACTERS:
            self._size -= self._sizes.popleft()[1]
        return self._sizes[0][0] if self._sizes else last

    def _name(self, epoch: str) -> str:
        return self._logs.shared.name("chat", *self._whose, epoch)
