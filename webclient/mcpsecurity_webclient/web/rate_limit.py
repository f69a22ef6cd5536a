"""Limits the rate of one person's requests."""

import math
from typing import Any

from aiohttp import web

from mcpsecurity.runtime.rate_limit import InMemoryRateLimiter
from mcpsecurity_webclient.auth.person import PERSON, Handler
from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.web.errors import ApiError


def rate_middleware(commands_per_minute: float) -> Any:
    """Return the middleware that refuses a person's commands beyond the limit, all sessions together.

    A sign-in for a server counts as one: it asks servers of others, which may ban the chat.
    """
    limiter = InMemoryRateLimiter(commands_per_minute)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_limited(request) and PERSON in request:
            wait = await limiter.acquire(request[PERSON].key)
            if wait:
                text = _("That was too much at once. Please wait a moment.")
                seconds = math.ceil(wait)
                raise ApiError(429, "too_many_commands", text, retryable=True, retry_after=seconds)
        return await handler(request)

    return check


def _is_limited(request: web.Request) -> bool:
    if request.method == "POST":
        return request.path.startswith("/api/")
    return request.path.startswith("/servers/")
