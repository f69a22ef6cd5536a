"""Answers that are no event stream: JSON, and refusals that carry a JSON-RPC error."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from mcpsecurity_server.transport.jsonrpc import INVALID_REQUEST, MessageError, error_body, to_json

__all__ = ["RefusedError", "error_response", "json_response"]

_JSON = "application/json"


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
    return web.Response(body=to_json(value), status=status, headers=headers, content_type=_JSON)
