"""The reserved keys of a request's `_meta`, and the headers that repeat its body.

Specification 2026-07-28, basic/index ("Per-request protocol fields") and transports ("Server Validation").
"""

import base64
import binascii
import re
from typing import Any, Final, NamedTuple

from aiohttp import web
from mcp import types
from multidict import CIMultiDictProxy, istr
from pydantic import ValidationError

from mcpsecurity_server.transport.jsonrpc import INVALID_PARAMS, MessageError, Request, to_json
from mcpsecurity_server.transport.protocol import (
    ALL_VERSIONS,
    HEADER_MISMATCH,
    LOG_LEVELS,
    SESSION_HEADER,
    SESSION_VERSIONS,
    STATELESS_VERSION,
    UNSUPPORTED_VERSION,
    VERSION_HEADER,
)

_METHOD_HEADER: Final = istr("Mcp-Method")
_NAME_HEADER: Final = istr("Mcp-Name")

_PREFIX = "io.modelcontextprotocol/"
_VERSION_KEY: Final = f"{_PREFIX}protocolVersion"
_CAPABILITIES_KEY: Final = f"{_PREFIX}clientCapabilities"
_INFO_KEY: Final = f"{_PREFIX}clientInfo"
_LEVEL_KEY: Final = f"{_PREFIX}logLevel"

NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The methods whose name is repeated in `Mcp-Name`, and its parameter. Only these may ask the client."""

_SENTINEL = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
_UNKNOWN_CLIENT = types.Implementation(name="unknown", version="0")

_CLIENTS_MAX = 256
_CLIENT_BYTES = 4096


class RequestMeta(NamedTuple):
    """A request's client, and the other keys of its `_meta`. `log_level` None: it wants no log messages."""

    client: types.InitializeRequestParams
    log_level: str | None
    other: dict[str, Any]


def is_stateless(http: web.Request, value: Any) -> bool:
    """Tell whether a request is one of 2026-07-28: by its `_meta`, or by the version in its header.

    A POST with an unknown version in its header counts as well, unless it names a session. `value` is the
    body of a POST, else None.
    """
    if isinstance(value, dict):
        params = value.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        if isinstance(meta, dict) and _VERSION_KEY in meta:
            return True
        if value.get("method") == "initialize":
            return False
    headers = http.headers
    named = headers.get(VERSION_HEADER)
    if named is None or named in SESSION_VERSIONS:
        return False
    return named == STATELESS_VERSION or (http.method == "POST" and SESSION_HEADER not in headers)


class RequestMetaParser:
    """Reads the `_meta` of requests. Caches the descriptions of clients, which repeat in each request."""

    def __init__(self) -> None:
        self._clients: dict[bytes, types.InitializeRequestParams] = {}

    def parse(self, headers: CIMultiDictProxy[str], request: Request) -> RequestMeta:
        """Remove `_meta` from the request's parameters, and return it after all checks, in their order.

        Raises:
            MessageError: a required key is missing or malformed (-32602), a header does not agree with the
                body (-32020), or the version is not served (-32022).
        """
        meta = request.params.pop("_meta", None)
        if not isinstance(meta, dict):
            raise _invalid(request, "_meta is missing")
        if _VERSION_KEY not in meta or _CAPABILITIES_KEY not in meta:
            missing = [key for key in (_VERSION_KEY, _CAPABILITIES_KEY) if key not in meta]
            raise _invalid(request, f"_meta lacks {', '.join(missing)}")
        version, level = meta.pop(_VERSION_KEY), meta.pop(_LEVEL_KEY, None)
        _check_headers(headers, request, version)
        if version != STATELESS_VERSION:
            raise unsupported(version, request.id)
        if level is not None and (not isinstance(level, str) or level not in LOG_LEVELS):
            raise _invalid(request, f"{_LEVEL_KEY} is no log level")
        client = self._client(request, meta.pop(_CAPABILITIES_KEY), meta.pop(_INFO_KEY, None))
        return RequestMeta(client, level, other=meta)

    def _client(self, request: Request, capabilities: Any, info: Any) -> types.InitializeRequestParams:
        description = to_json([capabilities, info])
        client = self._clients.get(description)
        if client is None:
            client = _read_client(request, capabilities, info)
            if len(description) <= _CLIENT_BYTES:
                if len(self._clients) >= _CLIENTS_MAX:
                    self._clients.clear()
                self._clients[description] = client
        return client


def unsupported(requested: str, id: str | int | None = None) -> MessageError:  # noqa: A002
    """Return the error for a version that is not served."""
    data = {"supported": list(ALL_VERSIONS), "requested": requested[:100]}
    return MessageError(UNSUPPORTED_VERSION, "Unsupported protocol version", id, data)


def one_value(headers: CIMultiDictProxy[str], name: str, request: Request) -> str | None:
    """Return a header's value; None without it.

    Raises:
        MessageError: the header is repeated, so that two readers could read two values (-32020).
    """
    values = headers.getall(name, ())
    if len(values) > 1:
        raise mismatch(request, f"{name} is there more than once")
    return values[0] if values else None


def mismatch(request: Request, text: str) -> MessageError:
    """Return the error for a header that does not agree with the body."""
    return MessageError(HEADER_MISMATCH, f"Header mismatch: {text}", request.id)


def decode_value(value: str | None) -> str | None:
    """Return the text of a header value, decoded if it is marked as Base64 of UTF-8.

    None: it is not the canonical encoding of a text (RFC 4648, section 3.5), or not UTF-8.
    """
    if value is None or not value.startswith("=?"):
        return value
    match = _SENTINEL.fullmatch(value)
    if match is None:
        return value
    try:
        decoded = base64.b64decode(match[1], validate=True)
        return decoded.decode() if base64.b64encode(decoded).decode() == match[1] else None
    except (binascii.Error, ValueError):
        return None


def _check_headers(headers: CIMultiDictProxy[str], request: Request, version: Any) -> None:
    if one_value(headers, VERSION_HEADER, request) != version:
        raise mismatch(request, f"{VERSION_HEADER} is not the version in _meta")
    method = request.method
    if one_value(headers, _METHOD_HEADER, request) != method:
        raise mismatch(request, f"{_METHOD_HEADER} is not the method of the body")
    named = one_value(headers, _NAME_HEADER, request)
    parameter = NAMED.get(method)
    if parameter is None:
        return
    name = request.params.get(parameter)
    if name is None and named is None:
        return  # the dispatcher reports the missing parameter
    if decode_value(named) != name:
        raise mismatch(request, f"{_NAME_HEADER} is not {parameter} in the body")


def _read_client(request: Request, capabilities: Any, info: Any) -> types.InitializeRequestParams:
    try:
        return types.InitializeRequestParams(
            protocolVersion=STATELESS_VERSION,
            capabilities=types.ClientCapabilities.model_validate(capabilities),
            clientInfo=types.Implementation.model_validate(info) if info is not None else _UNKNOWN_CLIENT,
        )
    except ValidationError as error:
        raise _invalid(request, f"_meta has a malformed {error.title}") from None


def _invalid(request: Request, text: str) -> MessageError:
    return MessageError(INVALID_PARAMS, f"Invalid params: {text}", request.id)
