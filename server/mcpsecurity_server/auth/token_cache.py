"""Caches the principals of validated tokens, so that a caller's next request costs microseconds.

The cache holds the text of at most `size` tokens, all of them validated. An entry is dropped when its token
expires, when its signing key is no longer published or trusted, and when newer tokens need the room.
"""

from typing import NamedTuple

from mcpsecurity.oidc import Clock, JwksCache, SigningKey
from mcpsecurity_server.auth.principal import Principal


class _Entry(NamedTuple):
    principal: Principal
    key: SigningKey
    refused_at: float


class TokenCache:
    """Holds at most `size` tokens; 0 turns it off. `clock` gives seconds since 1970.

    All requests with a token share its principal, which cannot be changed.
    """

    def __init__(self, keys: JwksCache, clock: Clock, *, size: int) -> None:
        self._keys = keys
        self._clock = clock
        self._size = size
        self._entries: dict[str, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: str) -> Principal | None:
        """Return the principal of a token that was validated before and is still good, or None."""
        entry = self._entries.get(token)
        if entry is None:
            return None
        principal, key, refused_at = entry
        if self._clock() < refused_at and self._keys.held(key.kid) is key:
            return principal
        del self._entries[token]
        return None

    def put(self, principal: Principal, key: SigningKey, refused_at: float) -> None:
        """Add a validated token until `refused_at`, in place of the oldest one if the cache is full."""
        if self._size == 0:
            return
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[principal.token] = _Entry(principal, key, refused_at)
