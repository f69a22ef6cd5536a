"""Plain responses: JSON, and refusals that carry a JSON-RPC error."""

from collections.abc import Mapping
from typing import Any, Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from mcpsecurity_server.transport.jsonrpc import INVALID_REQUEST, MessageError, error_body, to_json

EXTRA_HEADERS: Final[web.RequestKey[Mapping[str, str]]] = web.RequestKey("extra_headers")
"""Request key for extra headers that responses which are sent within the handler must send themselves."""

_REFUSED: Final = web.ResponseKey("refused", bool)
_JSON_HEADERS: Final = CIMultiDict({hdrs.CONTENT_TYPE: "application/json"})


class RefusedError(Exception):
    """The request is answered with an HTTP status and a JSON-RPC error without an id."""

    def __init__(self, status: int, text: str, *, code: int = INVALID_REQUEST, **headers: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def response(self) -> web.Response:
        """Return the response."""
        response = json_response(error_body(None, self.code, str(self)), self.status, self.headers)
        response[_REFUSED] = True
        return response


def was_refused(response: web.StreamResponse) -> bool:
    """Tell whether a response is that of a `RefusedError`: the request did not reach a handler."""
    return response.status >= 400 and response.get(_REFUSED, False)


def error_response(error: MessageError, status: int = 400) -> web.Response:
    """Return the response to a message that is refused before it runs."""
    return json_response(error_body(error.id, error.code, str(error), error.data), status)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a response with `value` as JSON."""
    response = web.Response(body=to_json(value), status=status, headers=_JSON_HEADERS)
    if headers:
        response.headers.update(headers)
    return response
