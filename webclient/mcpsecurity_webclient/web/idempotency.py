"""Commands that arrive twice, because a connection broke before the answer: done once, answered twice."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from aiohttp import web

__all__ = ["IdempotencyCache"]

Reply = tuple[int, dict[str, object]]
Key = tuple[str, str, str]


class IdempotencyCache:
    """Remembers the last `limit` commands, by session, path and the id that the page chose."""

    def __init__(self, limit: int = 5000) -> None:
        self._limit = limit
        self._known: OrderedDict[Key, asyncio.Future[Reply]] = OrderedDict()

    async def once(
        self, session: str, request: web.Request, request_id: str | None, work: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """Return what `work` gives, or gave when this command came before. It goes on if the page hangs
        up."""
        if request_id is None:
            return await work()
        key = (session, request.path, request_id)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = asyncio.ensure_future(work())
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        return await asyncio.shield(known)
