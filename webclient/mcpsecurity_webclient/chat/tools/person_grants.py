"""What one person allows in all conversations: loaded once, and shared by all of hers that are open in this
process."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakMethod

from mcpsecurity_webclient.errors import StoreError
from mcpsecurity_webclient.store import Grant, GrantKey, GrantStore, Owner


class PersonGrants:
    """The grants of `owner` in `store`. Without `load`, or if that failed, nothing is granted.

    One replica at a time serves a person, so the loaded grants are the stored ones.
    """

    def __init__(self, store: GrantStore, owner: Owner) -> None:
        self._store = store
        self._owner = owner
        self._grants: dict[GrantKey, Grant] | None = None
        self._lock = asyncio.Lock()
        self._listeners: list[WeakMethod[Callable[[], None]]] = []

    def subscribe(self, changed: Callable[[], None]) -> None:
        """Call a method after each change, as long as its object lives."""
        self._listeners = [known for known in self._listeners if known() is not None]
        self._listeners.append(WeakMethod(changed))

    async def load(self) -> None:
        """Read the grants, if that is still to be done; a database that cannot be reached is asked again by
        the next call."""
        async with self._lock:
            if self._grants is None:
                with suppress(StoreError):
                    self._grants = {grant.key: grant for grant in await self._store.all(self._owner)}
                    if self._grants:
                        self._changed()

    def all(self) -> list[Grant]:
        """Return the grants that are known."""
        return list((self._grants or {}).values())

    def find(self, key: GrantKey) -> Grant | None:
        """Return a grant."""
        return (self._grants or {}).get(key)

    async def give(self, grant: Grant) -> None:
        """Keep a grant. Raises `StoreError`: it is not given."""
        await self._store.keep(self._owner, grant)
        self._grants = {**(self._grants or {}), grant.key: grant}
        self._changed()

    async def revoke(self, key: GrantKey) -> None:
        """Take a grant back; it holds no longer from this call on. Raises `StoreError`: it is still kept."""
        taken = (self._grants or {}).pop(key, None)
        try:
            await self._store.remove(self._owner, key)
        except BaseException:
            if taken is not None:
                self._grants = {key: taken, **(self._grants or {})}
            raise
        self._changed()

    def _changed(self) -> None:
        for listener in self._listeners:
            if (changed := listener()) is not None:
                changed()
