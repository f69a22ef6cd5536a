"""Reading a request's body, no further than the limit."""

from aiohttp import web

from mcpsecurity_server.transport.framing.replies import RefusedError

__all__ = ["read_body"]


async def read_body(http: web.Request, limit: int) -> bytes:
    """Return the body.

    Raises:
        RefusedError: it is longer than `limit` (413); known from its announced length, or while reading.
    """
    if (http.content_length or 0) > limit:
        raise _too_large(limit)
    content = http.content
    body = await content.readany()
    if content.at_eof():
        return _within(body, limit)
    parts, size = [body], len(body)
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _too_large(limit)
    return _within(b"".join(parts), limit)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> RefusedError:
    return RefusedError(413, f"Content too large: more than {limit} bytes")
