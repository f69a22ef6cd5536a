"""How many tool calls one person may make by one client."""

import math
from collections.abc import Callable

from aiohttp import web

from mcpsecurity.scaling.rates import RateLimit
from mcpsecurity_server.transport.identity import TOKEN_KEY, owner_of

__all__ = ["rate_guard"]

Guard = Callable[[str, web.Request], None]


def rate_guard(calls_per_minute: float | None, inner: Guard | None) -> Guard | None:
    """Return what is asked before a tool runs: `inner` first, then the limit, if there is one."""
    if calls_per_minute is None:
        return inner
    limit = RateLimit(calls_per_minute)

    def check(tool: str, request: web.Request) -> None:
        if inner is not None:
            inner(tool, request)
        wait = limit.take("|".join(owner_of(request.get(TOKEN_KEY))))
        if wait:
            headers = {"Retry-After": str(math.ceil(wait)), "Cache-Control": "no-store"}
            raise web.HTTPTooManyRequests(text="Too many tool calls", headers=headers)

    return check
