"""How much of one caller runs at the same time."""

from mcpsecurity_server.transport.framing.replies import RefusedError
from mcpsecurity_server.transport.identity import Owner

__all__ = ["Places"]


class Places:
    """Has room for `limit` requests of each caller. Whoever takes a place gives it back."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken: dict[Owner, int] = {}

    def take(self, owner: Owner) -> None:
        """Take a place.

        Raises:
            RefusedError: there is none (429).
        """
        taken = self._taken.get(owner, 0)
        if taken >= self._limit:
            raise RefusedError(429, "Too many requests of this caller run", Retry_After="1")
        self._taken[owner] = taken + 1

    def give_back(self, owner: Owner) -> None:
        """Let another request of the caller in."""
        left = self._taken[owner] - 1
        if left:
            self._taken[owner] = left
        else:
            del self._taken[owner]
