"""Repeated commands: a page that lost an answer sends its command again, which then is not run again."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from aiohttp import web

Reply = tuple[int, dict[str, object]]
Key = tuple[str, str, str]
_KEPT = 5000


class IdempotencyCache:
    """Keeps the answers of the last 5000 commands, by session, path and the id that the page chose."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, asyncio.Future[Reply]] = OrderedDict()

    async def run_once(
        self, session: str, request: web.Request, request_id: str | None, work: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        """Return the result of `work`, or of its first run if this command was sent before. An error of the
        first run is raised again. `work` goes on when the page disconnects; without `request_id` it always
        runs."""
        if request_id is None:
            return await work()
        key = (session, request.path, request_id)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = asyncio.ensure_future(work())
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return await asyncio.shield(known)
