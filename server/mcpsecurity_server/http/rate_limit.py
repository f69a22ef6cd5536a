"""The rate limit of tool calls, per person and client: `MCP_SERVER_CALLS_PER_MINUTE`."""

import math

from aiohttp import web

from mcpsecurity.runtime.rate_limit import RateLimiter
from mcpsecurity_server.transport import BeforeCall, owner_of, token_of


def rate_guard(limiter: RateLimiter | None, inner: BeforeCall | None) -> BeforeCall | None:
    """Return a check for each tool call: first `inner`, then the limit. It raises `HTTPTooManyRequests`."""
    if limiter is None:
        return inner

    async def check(tool: str, request: web.Request) -> None:
        if inner is not None:
            await inner(tool, request)
        wait = await limiter.acquire("|".join(owner_of(token_of(request))))
        if wait:
            headers = {"Retry-After": str(math.ceil(wait)), "Cache-Control": "no-store"}
            raise web.HTTPTooManyRequests(text="Too many tool calls", headers=headers)

    return check
