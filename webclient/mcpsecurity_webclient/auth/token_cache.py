"""Each session's token cache. It stays on the server; the browser never sees a token."""

from typing import Protocol

import msal  # type: ignore[import-untyped] # it has no types


class TokenCacheStore(Protocol):
    """Stores token caches, by session."""

    def open(self, sid: str) -> msal.SerializableTokenCache:
        """Return the session's cache, an empty one at first."""

    async def load(self, sid: str) -> None:
        """Bring a session's cache up to date with what other replicas have got."""

    async def keep(self, sid: str) -> None:
        """Save a session's changed cache, for other replicas and for later."""

    async def move(self, source: str, target: str) -> None:
        """Give one session's tokens to another, whose own are forgotten."""

    async def drop(self, sid: str) -> None:
        """Forget a session's tokens."""

    def let_go(self, sid: str) -> None:
        """Forget what this process has of the tokens of a session that ended elsewhere."""


class InMemoryTokenCacheStore:
    """A `TokenCacheStore` in this process: nothing is written anywhere."""

    def __init__(self) -> None:
        self._caches: dict[str, msal.SerializableTokenCache] = {}

    def open(self, sid: str) -> msal.SerializableTokenCache:
        """Return the session's cache, an empty one at first."""
        return self._caches.setdefault(sid, msal.SerializableTokenCache())

    async def load(self, sid: str) -> None:
        """Do nothing: there is no other replica."""

    async def keep(self, sid: str) -> None:
        """Do nothing: it is kept already."""

    async def move(self, source: str, target: str) -> None:
        """Give one session's tokens to another, whose own are forgotten."""
        self._caches[target] = self._caches.pop(source)

    async def drop(self, sid: str) -> None:
        """Forget a session's tokens."""
        self._caches.pop(sid, None)

    def let_go(self, sid: str) -> None:
        """Drop the tokens, which no other replica has."""
        self._caches.pop(sid, None)
