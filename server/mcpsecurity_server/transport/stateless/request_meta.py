"""What surrounds a request: the reserved keys of its `_meta`, and the headers that repeat its body.

Specification 2026-07-28, basic/index ("Per-request protocol fields") and transports ("Server Validation").
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

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

__all__ = [
    "NAMED",
    "RequestMeta",
    "decode_value",
    "is_stateless",
    "one_value",
    "parse_request_meta",
    "unsupported",
]

T = TypeVar("T")

_METHOD_HEADER: Final = istr("Mcp-Method")
_NAME_HEADER: Final = istr("Mcp-Name")

_PREFIX = "io.modelcontextprotocol/"
_VERSION_KEY: Final = f"{_PREFIX}protocolVersion"
_CAPABILITIES_KEY: Final = f"{_PREFIX}clientCapabilities"
_INFO_KEY: Final = f"{_PREFIX}clientInfo"
_LEVEL_KEY: Final = f"{_PREFIX}logLevel"
_OWN_KEYS: Final = frozenset({_VERSION_KEY, _CAPABILITIES_KEY, _INFO_KEY, _LEVEL_KEY})

NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The methods with a name to repeat in `Mcp-Name`, and the parameter it is in. Only these may ask back."""

_SENTINEL = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)
_SOMEBODY = types.Implementation(name="unknown", version="0")

_clients: dict[bytes, types.InitializeRequestParams] = {}
_known: dict[bytes, "RequestMeta"] = {}
"""What clients said of themselves, read, and whole `_meta` without anything else: a parsed form of what each
request carries."""

_PLAIN_KEYS = 3
_KNOWN_MAX = 256
_KNOWN_BYTES = 4096


@dataclass(frozen=True, slots=True)
class RequestMeta:
    """What a request says of its client, and what is left of its `_meta` without that.

    `log_level` None: it wants no log messages.
    """

    client: types.InitializeRequestParams
    log_level: str | None
    meta: dict[str, Any]


class _Latest:
    """The `_meta` that came last, if it is known and all its values are texts: equal ones are the same."""

    __slots__ = ("envelope", "meta")

    def __init__(self) -> None:
        self.meta: dict[str, Any] = {}
        self.envelope: RequestMeta | None = None


_latest = _Latest()


def is_stateless(http: web.Request, value: Any) -> bool:
    """Tell whether a request is of this revision's kind: by its `_meta`, or by the version in its header.

    In a POST a header with a version nobody knows counts as well, unless a session says that it is of the
    other kind. `value` is the body of a POST, else None.
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


def parse_request_meta(headers: CIMultiDictProxy[str], request: Request) -> RequestMeta:
    """Return what the request says of its client, after all checks of `_meta` and headers, in their order.

    `_meta` is taken out of the parameters.

    Raises:
        MessageError: a required key is missing or malformed (-32602), a header does not agree with the body
            (-32020), or the version is not served (-32022).
    """
    params = request.params
    meta = params.pop("_meta", None)
    known = _latest.envelope if meta == _latest.meta else _recall(meta)
    if known is None:
        return _read(headers, request, meta)
    # Most requests have their headers once, and plainly what is in the body: that can be seen at a glance.
    try:
        (version,), (method,) = headers.getall(VERSION_HEADER), headers.getall(_METHOD_HEADER)
        (named,) = headers.getall(_NAME_HEADER)
    except (KeyError, ValueError):
        pass
    else:
        repeated = params.get(NAMED.get(method, ""))
        # What has an equals sign might be Base64.
        if (
            method == request.method
            and version == STATELESS_VERSION
            and named == repeated
            and "=" not in named
        ):
            return known
    _check_headers(headers, request, STATELESS_VERSION)
    return known


def _recall(meta: Any) -> RequestMeta | None:
    """Return what a `_meta` that came before says."""
    if not isinstance(meta, dict) or len(meta) > _PLAIN_KEYS:
        return None
    known = _known.get(to_json(meta))
    if known is not None and _is_text(meta):
        _latest.meta, _latest.envelope = meta, known
    return known


def _is_text(value: Any) -> bool:
    """Tell whether all values in `value` are texts: True is equal to 1, but not the same."""
    return isinstance(value, str) or (isinstance(value, dict) and all(map(_is_text, value.values())))


def _read(headers: CIMultiDictProxy[str], request: Request, meta: Any) -> RequestMeta:
    """Do what `parse_request_meta` does, of a client that is not known."""
    if not isinstance(meta, dict):
        raise _invalid(request, "_meta is missing")
    if _VERSION_KEY not in meta or _CAPABILITIES_KEY not in meta:
        missing = [key for key in (_VERSION_KEY, _CAPABILITIES_KEY) if key not in meta]
        raise _invalid(request, f"_meta lacks {', '.join(missing)}")
    _check_headers(headers, request, meta[_VERSION_KEY])
    if meta[_VERSION_KEY] != STATELESS_VERSION:
        raise unsupported(meta[_VERSION_KEY], request.id)
    level = meta.get(_LEVEL_KEY)
    if level is not None and (not isinstance(level, str) or level not in LOG_LEVELS):
        raise _invalid(request, f"{_LEVEL_KEY} is no log level")
    envelope = RequestMeta(_client(request, meta), level, {key: meta[key] for key in meta.keys() - _OWN_KEYS})
    if level is None and not envelope.meta:
        _remember(_known, to_json(meta), envelope)
    return envelope


def unsupported(requested: str, id: str | int | None = None) -> MessageError:  # noqa: A002
    """Return the error for a version that is not served."""
    data = {"supported": list(ALL_VERSIONS), "requested": requested[:100]}
    return MessageError(UNSUPPORTED_VERSION, "Unsupported protocol version", id, data)


def one_value(headers: CIMultiDictProxy[str], name: str, request: Request) -> str | None:
    """Return a header's value; None without it.

    Raises:
        MessageError: it is there twice, so that two readers could read two values (-32020).
    """
    values = headers.getall(name, None)
    if values is None:
        return None
    if len(values) > 1:
        raise mismatch(request, f"{name} is there more than once")
    return values[0]


def mismatch(request: Request, text: str) -> MessageError:
    """Return the error for a header that does not agree with the body."""
    return MessageError(HEADER_MISMATCH, f"Header mismatch: {text}", request.id)


def decode_value(value: str | None) -> str | None:
    """Return what a header value stands for, decoded if it is marked as Base64 of UTF-8.

    None: it is not the one encoding that this text has (RFC 4648, section 3.5), or no UTF-8.
    """
    if value is None:
        return None
    match = _SENTINEL.fullmatch(value) if value.startswith("=?") else None
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
    if one_value(headers, _METHOD_HEADER, request) != request.method:
        raise mismatch(request, f"{_METHOD_HEADER} is not the method of the body")
    named = one_value(headers, _NAME_HEADER, request)
    parameter = NAMED.get(request.method)
    if parameter is None:
        return
    name = request.params.get(parameter)
    if name is None and named is None:
        return  # the dispatcher says what is missing
    if decode_value(named) != name:
        raise mismatch(request, f"{_NAME_HEADER} is not {parameter} in the body")


def _client(request: Request, meta: Mapping[str, Any]) -> types.InitializeRequestParams:
    """Return what a client says of itself; most have said it before."""
    said = to_json([meta[_CAPABILITIES_KEY], meta.get(_INFO_KEY)])
    known = _clients.get(said)
    if known is None:
        known = _read_client(request, meta)
        _remember(_clients, said, known)
    return known


def _remember(known: dict[bytes, T], said: bytes, read: T) -> None:
    if len(said) <= _KNOWN_BYTES and len(known) < _KNOWN_MAX:
        known[said] = read


def _read_client(request: Request, meta: Mapping[str, Any]) -> types.InitializeRequestParams:
    try:
        info = meta.get(_INFO_KEY)
        return types.InitializeRequestParams(
            protocolVersion=STATELESS_VERSION,
            capabilities=types.ClientCapabilities.model_validate(meta[_CAPABILITIES_KEY]),
            clientInfo=types.Implementation.model_validate(info) if info is not None else _SOMEBODY,
        )
    except ValidationError as error:
        title = error.title
        raise _invalid(request, f"_meta has a malformed {title}") from None


def _invalid(request: Request, text: str) -> MessageError:
    return MessageError(INVALID_PARAMS, f"Invalid params: {text}", request.id)
