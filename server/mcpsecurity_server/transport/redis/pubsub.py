"""Redis channels of one process: one connection for all its subscriptions."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcpsecurity.redis.connection import RedisConnection, translated
from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity.runtime.tasks import end_tasks

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

_CONFIRM_SECONDS = 3.0
_PAUSE = 0.3
_SELF = "mcp:heartbeat"

MessageHandler = Callable[[str, bytes], None]


class Channels:
    """The channels that this process is subscribed to, by name. Joining twice needs leaving twice.

    The channels in `always` are joined from the start. `on_message` handlers get every message; `on_gap`
    handlers are called when the connection broke, so that messages may have been missed.
    """

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis
        self._base = redis.name(_SELF)
        self.always = [self._base]
        self._joined: Counter[str] = Counter()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._pubsub: PubSub | None = None
        self.on_message: list[MessageHandler] = []
        self.on_gap: list[Callable[[], None]] = []

    @property
    def connected(self) -> bool:
        """Whether the subscriptions are in force."""
        return self._pubsub is not None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Stay subscribed for as long as the block runs."""
        task = asyncio.create_task(self._run(), name="redis channels")
        try:
            yield
        finally:
            await end_tasks(task)

    async def join(self, channel: str, *, required: bool = True) -> None:
        """Subscribe to a channel; every message that is published after this returns is received.

        Raises:
            RedisUnavailableError: Redis did not confirm in time; raised only with `required`.
        """
        self._joined[channel] += 1
        event = self._confirmed.setdefault(channel, asyncio.Event())
        if event.is_set() and self.connected:
            return
        try:
            if self._joined[channel] == 1 and self._pubsub is not None:
                with translated():
                    await self._pubsub.subscribe(channel)
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await event.wait()
        except BaseException as error:
            if isinstance(error, TimeoutError | RedisUnavailableError) and not required:
                return
            await self.leave(channel)
            if isinstance(error, TimeoutError):
                raise RedisUnavailableError(
                    "messages of other processes do not arrive at the moment"
                ) from error
            raise

    async def leave(self, channel: str) -> None:
        """Unsubscribe."""
        self._joined[channel] -= 1
        if self._joined[channel] > 0:
            return
        del self._joined[channel]
        self._confirmed.pop(channel, None)
        if self._pubsub is not None:
            try:
                with translated():
                    await self._pubsub.unsubscribe(channel)
            except RedisUnavailableError:
                pass  # a new connection does not subscribe to it

    async def _run(self) -> None:
        while True:
            try:
                with translated():
                    async with self._redis.client.pubsub() as pubsub:
                        names = [*self.always, *self._joined]
                        await pubsub.subscribe(*names)
                        self._pubsub = pubsub
                        if late := self._joined.keys() - set(names):
                            await pubsub.subscribe(*late)
                        while True:
                            message = await pubsub.get_message(timeout=2.0)
                            if message is not None:
                                self._take(message)
            except RedisUnavailableError:
                self._lost()
                await asyncio.sleep(_PAUSE)
            finally:
                self._pubsub = None

    def _take(self, message: dict[str, Any]) -> None:
        channel = message["channel"].decode()
        if message["type"] == "message":
            for handle in self.on_message:
                handle(channel, message["data"])
        elif message["type"] == "subscribe":
            event = self._confirmed.setdefault(channel, asyncio.Event())
            if channel == self._base and event.is_set():  # the redis client has reconnected
                self._report_gap()
            event.set()

    def _lost(self) -> None:
        for event in self._confirmed.values():
            event.clear()
        self._report_gap()

    def _report_gap(self) -> None:
        for handle in self.on_gap:
            handle()
