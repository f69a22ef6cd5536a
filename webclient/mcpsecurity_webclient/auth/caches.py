"""Each session's token cache. It stays on the server; the browser never sees a token."""

from typing import Protocol

import msal  # type: ignore[import-untyped] # it has no types

__all__ = ["InMemoryTokenCacheStore", "TokenCacheStore"]


class TokenCacheStore(Protocol):
    """Where token caches are kept, by session."""

    def open(self, sid: str) -> msal.SerializableTokenCache:
        """Return the session's cache, an empty one at first."""

    async def move(self, source: str, target: str) -> None:
        """Give one session's tokens to another, whose own are forgotten."""

    async def drop(self, sid: str) -> None:
        """Forget a session's tokens."""


class InMemoryTokenCacheStore:
    """A `TokenCacheStore` in this process: nothing is written anywhere."""

    def __init__(self) -> None:
        self._caches: dict[str, msal.SerializableTokenCache] = {}

    def open(self, sid: str) -> msal.SerializableTokenCache:
        """Return the session's cache, an empty one at first."""
        return self._caches.setdefault(sid, msal.SerializableTokenCache())

    async def move(self, source: str, target: str) -> None:
        """Give one session's tokens to another, whose own are forgotten."""
        self._caches[target] = self._caches.pop(source)

    async def drop(self, sid: str) -> None:
        """Forget a session's tokens."""
        self._caches.pop(sid, None)
