"""Bodies of requests: plain and whole, or the request is refused."""

from aiohttp import hdrs, web

from mcpsecurity_webclient.web.errors import ApiError

__all__ = ["body_of"]

_PLAIN = ("", "identity")


async def body_of(request: web.Request) -> bytes:
    """Return the body.

    Raises:
        ApiError: 415, it is compressed; 400, it cannot be read or the browser has left.
        web.HTTPRequestEntityTooLarge: it is longer than the application allows.
    """
    if request.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower() not in _PLAIN:
        refusal = ApiError(415, "encoded", "The body of a request must not be compressed.")
        refusal.headers[hdrs.ACCEPT_ENCODING] = "identity"  # RFC 9110, 15.5.16
        raise refusal
    try:
        return await request.read()
    except (web.RequestPayloadError, ConnectionError) as error:
        raise ApiError(400, "malformed", "The body of this request cannot be read.") from error
