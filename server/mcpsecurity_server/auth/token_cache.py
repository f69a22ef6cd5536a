"""Caches the principals of validated tokens, so that a caller's next request costs microseconds.

A token is stored as its BLAKE2b (RFC 7693) only: the contents of the cache open nothing. An entry is dropped
when the token expires, when its signing key is no longer published or trusted, and when newer tokens need the
room.

BLAKE2b is Python's own. SHA-256 is OpenSSL's, which looks up its implementation first: with cold CPU caches,
as between two requests, that takes twice as long.
"""

from hashlib import blake2b
from typing import NamedTuple

from mcpsecurity.oidc import Clock, JwksCache, SigningKey
from mcpsecurity_server.auth.principal import Principal

__all__ = ["TokenCache"]


class _Entry(NamedTuple):
    principal: Principal
    key: SigningKey
    refused_at: float


class TokenCache:
    """Holds at most `size` tokens; 0 turns it off. `clock` gives seconds since 1970."""

    def __init__(self, keys: JwksCache, clock: Clock, *, size: int) -> None:
        self._keys = keys
        self._clock = clock
        self._size = size
        self._entries: dict[bytes, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: str) -> Principal | None:
        """Return the principal of a token that was validated before and is still good, or None."""
        digest = _digest(token)
        entry = self._entries.get(digest)
        if entry is None:
            return None
        principal, key, refused_at = entry
        if self._clock() < refused_at and self._keys.held(key.kid) is key:
            return principal.with_token(token)
        del self._entries[digest]
        return None

    def put(self, principal: Principal, key: SigningKey, refused_at: float) -> None:
        """Add a validated token until `refused_at`, in place of the oldest one if the cache is full."""
        if self._size == 0:
            return
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[_digest(principal.token)] = _Entry(principal.with_token(""), key, refused_at)


def _digest(token: str) -> bytes:
    return blake2b(
        token.encode(errors="surrogateescape"), digest_size=32
    ).digest()  # aiohttp's headers may hold any bytes
