"""Notices that a caller's new token has other scopes or roles than the last one."""

import json
import logging
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.transport import Owner

if TYPE_CHECKING:
    from mcpsecurity.redis.connection import RedisConnection

_log = logging.getLogger(__name__)
_SECONDS = 86_400  # longer than an access token is valid
_MOST_OWNERS = 10_000


class RightsStore(Protocol):
    """Stores a digest of the rights that each owner had last."""

    async def swap(self, owner: Owner, digest: bytes) -> bytes | None:
        """Store a digest and return the one before; None if there was none or it cannot be read."""


class InMemoryRights:
    """A `RightsStore` in this process, of the owners that came last."""

    def __init__(self) -> None:
        self._digests: dict[Owner, bytes] = {}

    async def swap(self, owner: Owner, digest: bytes) -> bytes | None:
        """Store a digest and return the one before."""
        before = self._digests.pop(owner, None)
        while len(self._digests) >= _MOST_OWNERS:
            del self._digests[next(iter(self._digests))]
        self._digests[owner] = digest
        return before


class RedisRights:
    """A `RightsStore` that replicas share. Redis sees hashes of owners only."""

    def __init__(self, redis: "RedisConnection") -> None:
        self._redis = redis

    async def swap(self, owner: Owner, digest: bytes) -> bytes | None:
        """Store a digest and return the one before; None if Redis cannot be reached."""
        name = self._redis.name("rights", sha256(json.dumps(owner).encode()).hexdigest()[:32])
        try:
            return await self._redis.swap(name, digest, _SECONDS)
        except RedisUnavailableError as error:
            _log.warning("whether a caller's rights have changed is not known: %s", error)
            return None


class RightsObserver:
    """Calls `notify` with the owner when a new token has other scopes or roles than the owner's last one."""

    def __init__(self, store: RightsStore, notify: Callable[[Owner], Awaitable[None]]) -> None:
        self._store = store
        self._notify = notify

    async def token_verified(self, principal: Principal) -> None:
        """Compare the rights of a newly verified token with those of the last one."""
        rights = "\n".join([*sorted(principal.scopes), "", *sorted(principal.roles)])
        digest = sha256(rights.encode()).digest()
        before = await self._store.swap(principal.owner, digest)
        if before not in (None, digest):
            await self._notify(principal.owner)
