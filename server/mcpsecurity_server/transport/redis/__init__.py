"""Sessions and events in Redis, so that any of several processes can serve any request.

Needs the extra `scale`.
"""

from contextlib import AsyncExitStack
from typing import Self

from mcpsecurity.redis.connection import GetPassword, RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_server.transport.limits import Limits
from mcpsecurity_server.transport.redis.event_bus import RedisEventBus
from mcpsecurity_server.transport.redis.pubsub import Channels
from mcpsecurity_server.transport.redis.session_store import RedisSessionStore

__all__ = ["RedisEventBus", "RedisSessionStore", "RedisTransport"]


class RedisTransport:
    """Store and bus of this process on the Redis at `url`, to be entered before they are used.

    Starting does not need Redis: requests are refused until it can be reached.
    """

    def __init__(
        self,
        url: str,
        keys: EncryptionKeys,
        limits: Limits,
        *,
        prefix: str = "mcpsecurity",
        password: GetPassword | None = None,
    ) -> None:
        self.connection = RedisConnection(url, keys, prefix=prefix, password=password)
        self._channels = Channels(self.connection)
        self.store = RedisSessionStore(self.connection, self._channels, limits)
        self.bus = RedisEventBus(self.connection, self._channels, limits)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._exit.enter_async_context(self.connection)
        await self._exit.enter_async_context(self._channels.running())
        await self._exit.enter_async_context(self.bus.running())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._exit.aclose()
