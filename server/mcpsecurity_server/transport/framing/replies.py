"""Answers that are no event stream: JSON, and refusals that carry a JSON-RPC error."""

from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from mcpsecurity_server.transport.jsonrpc import INVALID_REQUEST, MessageError, error_body, to_json

__all__ = ["JsonResponse", "RefusedError", "error_response", "json_response"]

_TYPE = {hdrs.CONTENT_TYPE: "application/json"}


class JsonResponse(web.Response):
    """A `web.Response` of JSON, sent in half the time if the connection stays open, as it mostly does.

    The steps of `web.Response` that only other kinds of answer need (cookies, compression, chunks, payloads)
    are left out; what goes over the wire is the same, headers from `on_response_prepare` included.
    `tests/transport/test_json_response.py` compares them.
    """

    _short = False

    def __init__(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body=body, status=status, headers=_TYPE)
        if headers:
            self.headers.update(headers)
        self._json = body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Fill the head; called by aiohttp."""
        if (
            self.prepared
            or not request.keep_alive
            or request.version != HttpVersion11
            or request.method == hdrs.METH_HEAD
            or self._cookies
            or self._compression
            or self._chunked
        ):
            return await super().prepare(request)
        self._req, self._keep_alive, self._short = request, True, True
        writer = self._payload_writer = request._payload_writer  # noqa: SLF001 - as StreamResponse does it
        headers = self._headers
        headers[hdrs.CONTENT_LENGTH] = str(len(self._json))
        headers[hdrs.DATE] = rfc822_formatted_time()
        headers[hdrs.SERVER] = SERVER_SOFTWARE
        await request._prepare_hook(self)  # noqa: SLF001 - as StreamResponse does it
        await writer.write_headers(f"HTTP/1.1 {self._status} {self._reason}", headers)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send head and body; called by aiohttp."""
        writer = self._payload_writer
        if not self._short or writer is None:
            await super().write_eof(data)
            return
        await writer.write_eof(self._json)
        self._eof_sent, self._body_length = True, writer.output_size
        self._req = self._payload_writer = None


class RefusedError(Exception):
    """The request is answered with an HTTP status and a JSON-RPC error, whose id is left out."""

    def __init__(self, status: int, text: str, *, code: int = INVALID_REQUEST, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        """Return the answer."""
        return json_response(error_body(None, self.code, str(self)), self.status, self.headers)


def error_response(error: MessageError, status: int = 400) -> web.Response:
    """Return the answer to a message that is refused before it runs."""
    return json_response(error_body(error.id, error.code, str(error), error.data), status)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a JSON response."""
    return JsonResponse(to_json(value), status, headers)
