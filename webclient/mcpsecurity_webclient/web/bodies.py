"""Bodies of requests: plain, whole and in time, or the request is refused."""

import asyncio

from aiohttp import hdrs, web

from mcpsecurity_webclient.languages import gettext as _
from mcpsecurity_webclient.web.errors import ApiError

_PLAIN = ("", "identity")


async def body_of(request: web.Request, *, seconds: float = 60.0) -> bytes:
    """Return the body, which may take `seconds` to arrive.

    Raises:
        ApiError: 415, it is compressed; 408, it does not arrive in time; 400, it cannot be read, or the
            browser has left.
        web.HTTPRequestEntityTooLarge: it is longer than the application allows.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower() not in _PLAIN:
        refusal = ApiError(415, "encoded", _("The body of a request must not be compressed."))
        refusal.headers[hdrs.ACCEPT_ENCODING] = "identity"  # RFC 9110, 15.5.16
        raise refusal
    try:
        async with asyncio.timeout(seconds):
            return await request.read()
    except TimeoutError as error:
        raise ApiError(408, "timeout", _("The request did not arrive in time."), retryable=True) from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise ApiError(400, "malformed", _("The body of this request cannot be read.")) from error
