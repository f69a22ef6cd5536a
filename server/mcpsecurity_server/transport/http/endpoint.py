"""The MCP path: checks that apply to every revision, then the handler of the request's revision."""

import logging
from collections.abc import Sequence
from typing import Any, Protocol

from aiohttp import hdrs, web

from mcpsecurity.redis.errors import RedisUnavailableError
from mcpsecurity_server.transport.http.body import buffered_body, read_body
from mcpsecurity_server.transport.http.content_negotiation import accepts_both, accepts_stream, is_json
from mcpsecurity_server.transport.http.origin import Guard
from mcpsecurity_server.transport.http.responses import RefusedError, error_response
from mcpsecurity_server.transport.jsonrpc import MessageError, parse_body
from mcpsecurity_server.transport.limits import Limits

_log = logging.getLogger(__name__)


class ProtocolHandler(Protocol):
    """Serves the revisions of the protocol that share their HTTP rules.

    Methods may raise `RefusedError` (an HTTP status) and `MessageError` (400 with that JSON-RPC error).
    """

    def handles(self, http: web.Request, value: Any) -> bool:
        """Tell whether this handler serves the request; `value` is the body of a POST, else None."""

    async def post(self, http: web.Request, value: Any, body: bytes) -> web.StreamResponse:
        """Answer a POST. `body` is its text, `value` the JSON in it, which can be any JSON value."""

    async def get(self, http: web.Request) -> web.StreamResponse:
        """Answer a GET that accepts an event stream."""

    async def delete(self, http: web.Request) -> web.StreamResponse:
        """Answer a DELETE."""


class Endpoint:
    """Serves one path. The first of `protocols` that handles a request answers it, else the last."""

    def __init__(self, guard: Guard, limits: Limits, protocols: Sequence[ProtocolHandler]) -> None:
        self._guard = guard
        self._limits = limits
        self._others, self._fallback = tuple(protocols[:-1]), protocols[-1]
        self.stopping = False

    async def handle(self, http: web.Request) -> web.StreamResponse:
        """Answer any request to the path."""
        try:
            self._check_source(http)
            if http.method == "POST":
                _check_media(http)
                body = buffered_body(http, self._limits.body_bytes)
                if body is None:
                    body = await read_body(http, self._limits)
                value = parse_body(body, self._limits.json_depth)
                return await self._protocol(http, value).post(http, value, body)
            if http.method == "GET":
                return await self._get(http)
            return await self._protocol(http, None).delete(http)
        except RefusedError as refused:
            return refused.response()
        except MessageError as error:
            return error_response(error)
        except RedisUnavailableError as error:
            _log.warning("%s: %s", error, type(error.__cause__).__name__)
            return RefusedError(503, "The server's sessions cannot be reached", Retry_After="2").response()

    def _check_source(self, http: web.Request) -> None:
        if not self._guard.host_allowed(http):
            raise RefusedError(421, "Misdirected request: this host name is not served")
        if not self._guard.origin_allowed(http):
            raise RefusedError(403, "Forbidden: this origin is not allowed")
        if self.stopping:
            raise RefusedError(503, "The server is stopping", Retry_After="1")

    async def _get(self, http: web.Request) -> web.StreamResponse:
        protocol = self._protocol(http, None)
        if not accepts_stream(_accept(http)):
            raise RefusedError(406, "Not acceptable: Accept must list text/event-stream")
        return await protocol.get(http)

    def _protocol(self, http: web.Request, value: Any) -> ProtocolHandler:
        for protocol in self._others:
            if protocol.handles(http, value):
                return protocol
        return self._fallback


def _check_media(http: web.Request) -> None:
    headers = http.headers
    if not is_json(headers.get(hdrs.CONTENT_TYPE, "")):
        raise RefusedError(415, "Unsupported media type: Content-Type must be application/json")
    if hdrs.CONTENT_ENCODING in headers and not _is_plain(headers[hdrs.CONTENT_ENCODING]):
        raise RefusedError(415, "Unsupported encoding: the body must be plain", Accept_Encoding="identity")
    if not accepts_both(headers.get(hdrs.ACCEPT, "")) and not accepts_both(_accept(http)):
        raise RefusedError(406, "Not acceptable: Accept must list application/json and text/event-stream")


def _is_plain(encoding: str) -> bool:
    return encoding.strip().lower() in ("identity", "")


def _accept(http: web.Request) -> str:
    """Return the Accept header; several lines mean one, joined by commas (RFC 9110, 5.3)."""
    return ", ".join(http.headers.getall(hdrs.ACCEPT, ()))
