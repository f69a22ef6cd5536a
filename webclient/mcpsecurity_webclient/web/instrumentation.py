"""The middleware that gives each request a span and measures it."""

import asyncio
from typing import Final

from aiohttp import web

from mcpsecurity_webclient.auth.person import PERSON, Handler
from mcpsecurity_webclient.telemetry import trace_request
from mcpsecurity_webclient.web.errors import to_api_error

_EXCLUDED: Final = frozenset({"/health", "/ready", "/api/chats/{chat_id}/events"})
"""Probes, and streams that stay open for hours."""


@web.middleware
async def instrument_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Trace and measure a request. Only pages of signed-in people may send a trace context."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else ""
    if route in _EXCLUDED or route.startswith("/static"):
        return await handler(request)
    with trace_request(request.method, route, request.headers if PERSON in request else {}) as outcome:
        try:
            response = await handler(request)
        except asyncio.CancelledError:
            outcome.status = 499
            raise
        except web.HTTPException as answer:
            outcome.status = answer.status
            raise
        except Exception as error:
            answer_of = to_api_error(error, request)
            outcome.status = answer_of.status if answer_of is not None else 500
            raise
        outcome.status = response.status
        return response
