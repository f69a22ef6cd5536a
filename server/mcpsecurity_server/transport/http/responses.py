"""Answers that are no event stream: JSON, and refusals that carry a JSON-RPC error."""

from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import SERVER_SOFTWARE, HttpVersion11

from mcpsecurity_server.transport.http.extra_headers import FURTHER_HEADERS, FurtherHeaders
from mcpsecurity_server.transport.jsonrpc import INVALID_REQUEST, MessageError, error_body, to_json

__all__ = ["JsonResponse", "RefusedError", "error_response", "json_response"]

_TYPE = {hdrs.CONTENT_TYPE: "application/json"}
_MADE_LATER = frozenset({"_headers", "_reason", "_state", "_zlib_executor", "_zlib_executor_size"})


class JsonResponse(web.Response):
    """A `web.Response` of JSON, sent in half the time if the connection stays open, as it mostly does.

    The steps of `web.Response` that only other kinds of answer need (cookies, compression, chunks, payloads)
    are left out, and its headers are made only if somebody looks at them; what goes over the wire is the
    same, headers from `on_response_prepare` included. `tests/server/transport/test_json_response.py`
    compares them.
    """

    __http_exception__ = False
    """What aiohttp asks each answer for; one that does not say it would be asked in `__getattr__`."""

    refused = False
    """Whether the request was not taken, see `RefusedError`."""

    _head: bytes | None = None
    _short = False

    def __init__(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self._json = self._body = body
        self._status = status
        if headers:
            self.headers.update(headers)

    def __getattr__(self, name: str) -> Any:
        """Make what `web.Response` has; the first who looks at any of it comes here."""
        if name not in _MADE_LATER:
            raise AttributeError(name)
        super().__init__(body=self._json, status=self._status, headers=_TYPE)
        return self.__dict__[name]

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Fill the head; called by aiohttp."""
        match = getattr(request, "_match_info", None)
        further = request.get(FURTHER_HEADERS) if match is None else None
        if not self._is_plain(request):
            if further is not None and not self.prepared:
                self.headers.update(further)
            return await super().prepare(request)
        self._req, self._keep_alive, self._short = request, True, True
        writer = self._payload_writer = request._payload_writer  # noqa: SLF001 - as StreamResponse does it
        if "_headers" not in self.__dict__ and not _has_signals(match):
            self._head = self._written_head(further)
            return writer
        headers = self.headers
        headers[hdrs.CONTENT_LENGTH] = str(len(self._json))
        headers[hdrs.DATE] = rfc822_formatted_time()
        headers[hdrs.SERVER] = SERVER_SOFTWARE
        headers.update(further or ())
        await request._prepare_hook(self)  # noqa: SLF001 - as StreamResponse does it
        await writer.write_headers(f"HTTP/1.1 {self._status} {self._reason}", headers)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Send head and body; called by aiohttp."""
        writer = self._payload_writer
        if not self._short or writer is None:
            await super().write_eof(data)
            return
        if self._head is None:
            await writer.write_eof(self._json)
        else:
            await writer.write(self._head + self._json)
            writer.set_eof()  # type: ignore[attr-defined] # aiohttp's writer has it, its interface has not
        self._eof_sent, self._body_length = True, writer.output_size
        self._req = self._payload_writer = None

    def _is_plain(self, request: web.BaseRequest) -> bool:
        """Tell whether nothing is wanted but this JSON on a connection that stays open."""
        return (
            request.keep_alive
            and request.version == HttpVersion11
            and request.method != hdrs.METH_HEAD
            and self._keep_alive is None
            and not (self.prepared or self._cookies or self._compression or self._chunked)
        )

    def _written_head(self, further: FurtherHeaders | None) -> bytes:
        """Return the head as it goes over the wire."""
        begin = _BEGIN if self._status == 200 else f"HTTP/1.1 {self._status} {self._reason}\r\n{_TYPE_LINE}"
        return (
            f"{begin}{further.wire if further is not None else ''}Content-Length: {len(self._json)}\r\n"
            f"Date: {rfc822_formatted_time()}\r\n{_SERVER_LINE}\r\n"
        ).encode()


_TYPE_LINE = "Content-Type: application/json\r\n"
_SERVER_LINE = f"Server: {SERVER_SOFTWARE}\r\n"
_BEGIN = f"HTTP/1.1 200 OK\r\n{_TYPE_LINE}"


def _has_signals(match: web.UrlMappingMatchInfo | None) -> bool:
    """Tell whether somebody wants to see the answer before it is sent."""
    if match is not None:
        for app in match.apps:
            if app.on_response_prepare:
                return True
    return False


class RefusedError(Exception):
    """The request is answered with an HTTP status and a JSON-RPC error, whose id is left out."""

    def __init__(self, status: int, text: str, *, code: int = INVALID_REQUEST, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        """Return the answer."""
        response = json_response(error_body(None, self.code, str(self)), self.status, self.headers)
        response.refused = True
        return response


def error_response(error: MessageError, status: int = 400) -> web.Response:
    """Return the answer to a message that is refused before it runs."""
    return json_response(error_body(error.id, error.code, str(error), error.data), status)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> JsonResponse:
    """Return a JSON response."""
    return JsonResponse(to_json(value), status, headers)
