"""POST to the MCP path goes past the router.

An aiohttp application resolves each request, enters the match once more for its middlewares and sends a
signal before each answer. For the one path that nearly all requests are for, what comes of it is known when
the server starts; finding it out took 8 % of a tool call. `tests/server/transport/http/test_fast_path.py`
compares both ways.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from mcpsecurity_server.transport.http.extra_headers import FURTHER_HEADERS, FurtherHeaders
from mcpsecurity_server.transport.http.responses import JsonResponse

__all__ = ["fast_path"]


def fast_path(
    app: web.Application, path: str, handler: Handler, headers: Mapping[str, str]
) -> Callable[[Handler], Handler]:
    """Return what turns the answer of an application into one that has this path.

    `handler` is the application's for `path`, `headers` what its signal puts into every answer. Middlewares
    may still be added; when another signal is, every request is routed. A request has no `app` and no
    `match_info` on this path. Requests that aiohttp or aiohttp-cors treat differently, because they expect to
    be told to go on or come from a page, are the application's.
    """
    further, signals = FurtherHeaders(headers), len(app.on_response_prepare)

    def before(application: Handler) -> Handler:
        if len(app.on_response_prepare) != signals:
            return application
        answer = _answering(_surrounded(handler, app.middlewares), further)

        def first(request: web.Request) -> Awaitable[web.StreamResponse]:
            known = request.headers
            if (
                request.raw_path == path
                and request.method == hdrs.METH_POST
                and hdrs.ORIGIN not in known
                and hdrs.EXPECT not in known
            ):
                return answer(request)
            return application(request)

        return first

    return before


def _surrounded(handler: Handler, middlewares: Sequence[Middleware]) -> Handler:
    for middleware in reversed(middlewares):
        handler = partial(middleware, handler=handler)
    return handler


def _answering(handler: Handler, further: FurtherHeaders) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        request[FURTHER_HEADERS] = further
        try:
            response = await handler(request)
        except web.HTTPException as raised:
            raised.headers.update(further)
            raise
        if type(response) is not JsonResponse and not response.prepared:  # that adds them itself
            response.headers.update(further)
        return response

    return answer
