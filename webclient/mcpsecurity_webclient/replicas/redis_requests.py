"""The questions of a conversation in Redis: a hash that expires when the last of them does.

Its name has tenant, person and conversation; the values are sealed with whose they are. Needs the extra
`scale`.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.encryption import UnreadableError
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity_webclient.chat.requests.pending_requests import Kind, Remembered, RequestLog, State
from mcpsecurity_webclient.store import Owner

_SECONDS = 0.5

_PUT: Final = """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
"""


class _Question(BaseModel):
    of: list[str]
    kind: Kind
    id: str
    state: State
    expires_at: float


class RedisRequestLog(RequestLog):
    """The log of one conversation of `owner`; `clock` gives seconds since 1970."""

    def __init__(
        self, redis: RedisConnection, owner: Owner, chat_id: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._redis = redis
        self._whose = [*owner, chat_id]
        self._name = redis.name("asked", *self._whose)
        self._clock = clock
        self._open: dict[str, float] = {}
        self._writing: set[asyncio.Task[None]] = set()
        self._script = redis.client.register_script(_PUT)

    async def asked(self, kind: Kind, id: str, expires_at: float) -> None:  # noqa: A002
        self._open[id] = expires_at
        await self._put(kind, id, "open", expires_at)

    async def extended(self, kind: Kind, id: str, expires_at: float) -> None:  # noqa: A002
        if id in self._open:
            self._open[id] = expires_at
            await self._put(kind, id, "open", expires_at)

    def settled(self, kind: Kind, id: str, state: State) -> None:  # noqa: A002
        if (expires_at := self._open.pop(id, None)) is not None:
            self._soon(self._put(kind, id, state, expires_at))

    async def left(self) -> list[Remembered]:
        """Return the requests that earlier processes recorded, and mark the open ones as ended."""
        found = [q for q in await self._read() if q.expires_at > self._clock()]
        for question in found:
            if question.state == "open":
                self._soon(self._put(question.kind, question.id, "ended", question.expires_at))
        return [Remembered(q.kind, q.id, q.state) for q in found]

    async def aclose(self) -> None:
        """Wait until all that is scheduled is recorded."""
        if self._writing:
            await asyncio.wait(set(self._writing))

    async def _read(self) -> list[_Question]:
        try:
            async with asyncio.timeout(_SECONDS):
                with translated():
                    values: Any = await self._redis.client.hvals(self._name)
            opened = [_Question.model_validate_json(self._redis.keys.open(value)) for value in values]
        except (RedisUnavailableError, TimeoutError, UnreadableError, ValidationError):
            return []
        return [question for question in opened if question.of == self._whose]

    async def _put(self, kind: Kind, id: str, state: State, expires_at: float) -> None:  # noqa: A002
        left = int((expires_at - self._clock()) * 1000)
        if left <= 0:
            return
        question = _Question(of=self._whose, kind=kind, id=id, state=state, expires_at=expires_at)
        sealed = self._redis.keys.seal(question.model_dump_json().encode())
        try:
            async with asyncio.timeout(_SECONDS):
                with translated():
                    await self._script(keys=[self._name], args=[id, sealed, left])
        except (RedisUnavailableError, TimeoutError):
            return

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="remember a question")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
