"""Validated tokens, remembered, so that a caller's next request costs microseconds.

Of a token only the signature is a secret. That is known by its BLAKE2b (RFC 7693) only, so what is kept opens
nothing; what it signs is compared as it is. A token is forgotten when it expires, when its signing key is no
longer published or no longer believed, and when newer tokens need the room.

Python has BLAKE2b itself. SHA-256 is OpenSSL's, which has to find its implementation first, over memory that
nothing else has touched since the last call: under load that took longer than all else here.
"""

from hashlib import blake2b
from typing import NamedTuple

from mcpsecurity.oidc import Clock, JwksCache, SigningKey
from mcpsecurity_server.auth.bearer import credentials
from mcpsecurity_server.auth.principal import Principal

__all__ = ["TokenCache"]


class _Entry(NamedTuple):
    signed: str
    caller: Principal
    key: SigningKey
    refused_at: float


class TokenCache:
    """At most `size` tokens; with 0 nothing is remembered. `clock` gives seconds since 1970."""

    def __init__(self, keys: JwksCache, clock: Clock, *, size: int) -> None:
        self._keys = keys
        self._clock = clock
        self._size = size
        self._entries: dict[bytes, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, authorization: str) -> Principal | None:
        """Return the caller, without the token, if that was found good before and still is.

        `authorization` is the value of the header; see `credentials`. It is the same object each time: nobody
        may change it.
        """
        signed, _, signature = authorization.rpartition(".")
        try:
            digest = blake2b(signature.encode()).digest()
        except UnicodeEncodeError:  # aiohttp has surrogates for what is no text
            return None
        entry = self._entries.get(digest)
        if entry is None:
            return None
        known, caller, key, refused_at = entry
        if known != signed:
            return None
        if self._clock() < refused_at and self._keys.held(key.kid) is key:
            return caller
        del self._entries[digest]
        return None

    def remember(self, raw: str, caller: Principal, key: SigningKey, refused_at: float) -> None:
        """Remember a validated token until `refused_at`; the oldest makes room."""
        if self._size == 0:
            return
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        signed, _, signature = credentials(raw).rpartition(".")
        digest = blake2b(signature.encode()).digest()
        self._entries[digest] = _Entry(signed, caller.without_token(), key, refused_at)
