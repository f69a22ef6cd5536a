"""A bounded store of short-lived records behind unguessable handles."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class ExpiringStore(Generic[T]):
    """Maps random handles to records, each for its lifetime, or until newer ones exceed the limit."""

    def __init__(self, *, lifetime: float, limit: int, clock: Callable[[], float]) -> None:
        """Keep a record for `lifetime` seconds of `clock`, and at most `limit` of them."""
        self._lifetime = lifetime
        self._limit = limit
        self._clock = clock
        self._records: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def add(self, record: T) -> str:
        """Keep `record` and return its handle (256 bits of randomness)."""
        handle = secrets.token_urlsafe(32)
        self._records[handle] = (self._clock() + self._lifetime, record)
        while len(self._records) > self._limit:
            self._records.popitem(last=False)
        return handle

    def get(self, handle: str) -> T | None:
        """Return the record of `handle`; None when it is unknown or its time is over."""
        expires, record = self._records.get(handle, (0.0, None))
        if record is not None and expires <= self._clock():
            del self._records[handle]
            return None
        return record

    def remove(self, handle: str) -> T | None:
        """Forget `handle` and return its record, if it had one."""
        record = self.get(handle)
        self._records.pop(handle, None)
        return record

    def values(self) -> Iterator[T]:
        """Iterate over the records that are kept."""
        return iter([record for _, record in self._records.values()])
