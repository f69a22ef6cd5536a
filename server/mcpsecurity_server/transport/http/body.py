"""Reads the body of a request, up to a limit."""

import asyncio

from aiohttp import web

from mcpsecurity_server.transport.http.responses import RefusedError
from mcpsecurity_server.transport.limits import Limits


def buffered_body(http: web.Request, limit: int) -> bytes | None:
    """Return the body if all of it has arrived, as for most short ones; else None.

    Raises:
        RefusedError: it is longer than `limit` (413).
    """
    content = http.content
    return _within(content.read_nowait(), limit) if content.is_eof() else None


async def read_body(http: web.Request, limits: Limits) -> bytes:
    """Wait for the body and return it.

    Raises:
        RefusedError: it is too long (413), known from its announced length or while reading; it does not
            arrive in time (408); it cannot be read, or the client has left (400).
    """
    limit = limits.body_bytes
    if (http.content_length or 0) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in http.content.iter_any():
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise _too_large(limit)
    except TimeoutError as error:
        message = f"Request timeout: the body took more than {limits.body_seconds:g} seconds"
        raise RefusedError(408, message) from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise RefusedError(400, "Bad request: the body cannot be read") from error
    return b"".join(parts)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> RefusedError:
    return RefusedError(413, f"Content too large: more than {limit} bytes")
