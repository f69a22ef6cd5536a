"""JSON-RPC 2.0 messages: reads untrusted bytes, and writes responses."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from mcpsecurity.runtime.strict_json import LongNumberError, read_exactly, write_exactly

_log = logging.getLogger(__name__)

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
RESOURCE_NOT_FOUND: Final = -32002

RequestId = str | int


class MessageError(Exception):
    """A message is refused. `code` and the text go to the client; `id` is None if it cannot be read."""

    def __init__(self, code: int, text: str, id: RequestId | None = None, data: Any = None) -> None:  # noqa: A002
        super().__init__(text)
        self.code = code
        self.id = id
        self.data = data


@dataclass(slots=True)
class Request:
    """A request; the response has its id."""

    id: RequestId
    method: str
    params: dict[str, Any]


@dataclass(slots=True)
class Notification:
    """A notification; it has no response."""

    method: str
    params: dict[str, Any]


@dataclass(slots=True)
class Answer:
    """The client's answer to a request of this server: `result`, or `error` with code and message."""

    id: RequestId
    result: Any
    error: Mapping[str, Any] | None


Message = Request | Notification | Answer

_IDS: Final = frozenset({str, int})
_LIST: Final = ord("[")
_DIGITS_AS_ZEROS: Final = bytes(ord("0") if chr(byte) in "0123456789" else byte for byte in range(256))
_TOO_LARGE: Final = ("is infinity", "is too large")
"""What orjson and `read_exactly` say of 1e400, which is JSON and no double."""
_TOO_LONG_FOR_64_BITS: Final = b"0" * 19
"""Numbers with fewer digits fit into 64 bits; beyond these orjson rounds."""


def read_json(text: bytes) -> Any:
    """Return what JSON says, whole numbers with all their digits.

    Raises:
        LongNumberError: a whole number has more than 4300 digits.
        ValueError: it is not JSON.
        RecursionError: it nests too deep.
    """
    if text.translate(_DIGITS_AS_ZEROS).find(_TOO_LONG_FOR_64_BITS) >= 0:  # faster than `in`
        return read_exactly(text)
    return orjson.loads(text)


def parse_body(body: bytes, depth: int) -> Any:
    """Return the JSON value of a body.

    Raises:
        MessageError: it is not JSON or has a number that is too long (-32700), or it nests deeper than
            `depth` (-32600).
    """
    try:
        is_long = body.translate(_DIGITS_AS_ZEROS).find(_TOO_LONG_FOR_64_BITS) >= 0
        value = read_exactly(body) if is_long else orjson.loads(body)  # `read_json`, without a call
    except LongNumberError as error:
        raise MessageError(PARSE_ERROR, f"Parse error: {error}") from None
    except (ValueError, RecursionError) as error:
        too_large = any(words in str(error) for words in _TOO_LARGE)
        why = "a number is too large for a double" if too_large else "the body is not JSON"
        raise MessageError(PARSE_ERROR, f"Parse error: {why}") from None
    # A value of n levels needs n brackets: with fewer, nothing has to be walked. Most values have no lists,
    # which `in` finds faster than `count`.
    brackets = body.count(b"{")
    if _LIST in body:
        brackets += body.count(b"[")
    if brackets > depth and _deeper(value, depth):
        raise MessageError(INVALID_REQUEST, f"Invalid request: nested deeper than {depth} levels")
    return value


def read_message(value: Any) -> Message:
    """Return a JSON value as a JSON-RPC message.

    Raises:
        MessageError: it is not one; -32600, with the id if it could be read.
    """
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise MessageError(INVALID_REQUEST, "Invalid request: not a JSON-RPC 2.0 message")
    method, id, params = value.get("method"), value.get("id"), value.get("params")  # noqa: A001
    if type(method) is str and type(params) is dict and type(id) in _IDS:  # most are
        return Request(id, method, params)  # type: ignore[arg-type] # just checked
    if method is None:
        return _read_answer(value)
    if not isinstance(method, str):
        raise MessageError(INVALID_REQUEST, "Invalid request: method is not a string")
    if params is None:
        params = {}
    if "id" not in value:
        return Notification(method, _object(params, None))
    return Request(_id(id), method, _object(params, id))


def result_body(id: RequestId, result: Any) -> dict[str, Any]:  # noqa: A002 - the protocol's word
    """Return the response that carries a result."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def error_body(id: RequestId | None, code: int, text: str, data: Any = None) -> dict[str, Any]:  # noqa: A002
    """Return an error response, without the member `id` if it is None, as in the transport's own errors."""
    error: dict[str, Any] = {"code": code, "message": text}
    if data is not None:
        error["data"] = data
    body: dict[str, Any] = {"jsonrpc": "2.0", "error": error}
    if id is not None:
        body["id"] = id
    return body


def to_json(value: Any) -> bytes:
    """Return `value` as JSON; integers beyond 64 bits and other rarities take the slower way.

    A response whose result cannot be written becomes an error response.

    Raises:
        TypeError: a part of another value has no JSON.
        ValueError: a whole number in another value has more than 4300 digits.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        return _write_slowly(value)


def to_sorted_json(value: Any) -> bytes:
    """Return `value` as JSON with sorted members; otherwise as `to_json`."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return write_exactly(value, sort_keys=True).encode()


def _write_slowly(value: Any) -> bytes:
    try:
        return write_exactly(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        if not isinstance(value, dict) or "result" not in value:
            raise
        _log.error("a result cannot be written as JSON: %s", type(error).__name__)
        text = "Internal error: the result cannot be written as JSON"
        return orjson.dumps(error_body(value["id"], INTERNAL_ERROR, text))


def _read_answer(value: dict[str, Any]) -> Answer:
    if ("result" in value) == ("error" in value):
        raise MessageError(INVALID_REQUEST, "Invalid request: neither a request nor a response")
    error = value.get("error")
    if "error" in value and not _is_error(error):
        raise MessageError(INVALID_REQUEST, "Invalid request: the error has no code and message")
    return Answer(_id(value.get("id")), value.get("result"), error)


def _is_error(error: Any) -> bool:
    return (
        isinstance(error, dict) and type(error.get("code")) is int and isinstance(error.get("message"), str)
    )


def _id(value: Any) -> RequestId:
    if type(value) not in _IDS:
        raise MessageError(INVALID_REQUEST, "Invalid request: the id is neither a string nor an integer")
    return value  # type: ignore[no-any-return] # just checked, bool excluded


def _object(params: Any, id: Any) -> dict[str, Any]:  # noqa: A002
    if not isinstance(params, dict):
        known = id if type(id) in (str, int) else None
        raise MessageError(INVALID_PARAMS, "Invalid params: not an object", known)
    return params


def _deeper(value: Any, depth: int) -> bool:
    """Tell whether `value` nests deeper than `depth`, without recursion."""
    level = [value]
    for _ in range(depth):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
