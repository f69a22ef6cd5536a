"""Validated tokens, remembered, so that a caller's next request costs microseconds.

A token is known by its hash only. It is forgotten when it expires, when its signing key is no longer
published or no longer believed, and when newer tokens need the room.
"""

from dataclasses import dataclass
from hashlib import sha256

from mcpsecurity.oidc import JwksCache, SigningKey
from mcpsecurity_server.auth.caller import Caller

__all__ = ["TokenMemory"]


@dataclass(frozen=True, slots=True)
class _Entry:
    caller: Caller
    key: SigningKey
    refused_at: float


class TokenMemory:
    """At most `size` tokens; with 0 nothing is remembered."""

    def __init__(self, keys: JwksCache, *, size: int) -> None:
        self._keys = keys
        self._size = size
        self._entries: dict[bytes, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def recall(self, raw: str, now: float) -> Caller | None:
        """Return the caller of a token that is still good at `now`, in seconds since 1970."""
        digest = sha256(raw.encode()).digest()
        entry = self._entries.get(digest)
        if entry is None:
            return None
        if now < entry.refused_at and self._keys.held(entry.key.kid) is entry.key:
            return entry.caller
        del self._entries[digest]
        return None

    def remember(self, raw: str, caller: Caller, key: SigningKey, refused_at: float) -> None:
        """Remember a validated token until `refused_at`; the oldest makes room."""
        if self._size == 0:
            return
        while len(self._entries) >= self._size:
            del self._entries[next(iter(self._entries))]
        self._entries[sha256(raw.encode()).digest()] = _Entry(caller, key, refused_at)
