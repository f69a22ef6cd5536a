"""JSON-RPC 2.0 messages: reading untrusted bytes, and writing answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "RESOURCE_NOT_FOUND",
    "Answer",
    "Message",
    "MessageError",
    "Notification",
    "Request",
    "RequestId",
    "error_body",
    "parse_body",
    "read_message",
    "result_body",
    "to_json",
]

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
RESOURCE_NOT_FOUND: Final = -32002

RequestId = str | int


class MessageError(Exception):
    """A message is refused. `code` and the text go to the client; `id` is None when none could be read."""

    def __init__(self, code: int, text: str, id: RequestId | None = None, data: Any = None) -> None:  # noqa: A002
        super().__init__(text)
        self.code = code
        self.id = id
        self.data = data


@dataclass(slots=True)
class Request:
    """A request: wants an answer with its id."""

    id: RequestId
    method: str
    params: dict[str, Any]


@dataclass(slots=True)
class Notification:
    """A notification: wants no answer."""

    method: str
    params: dict[str, Any]


@dataclass(slots=True)
class Answer:
    """The other side's answer to a request of ours: `result`, or `error` with code and message."""

    id: RequestId
    result: Any
    error: Mapping[str, Any] | None


Message = Request | Notification | Answer

_IDS: Final = frozenset({str, int})
_LIST: Final = ord("[")


def parse_body(body: bytes, depth: int) -> Any:
    """Return the JSON value of a body.

    Raises:
        MessageError: it is not JSON (-32700), or nested deeper than `depth` (-32600).
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MessageError(PARSE_ERROR, "Parse error: the body is not JSON") from None
    # A value of n levels needs n brackets, so short of them nothing has to be walked. Most have no lists at
    # all, which can be seen sooner than counted.
    brackets = body.count(b"{")
    if _LIST in body:
        brackets += body.count(b"[")
    if brackets > depth and _deeper(value, depth):
        raise MessageError(INVALID_REQUEST, f"Invalid request: nested deeper than {depth} levels")
    return value


def read_message(value: Any) -> Message:
    """Return what a JSON value is as a JSON-RPC message.

    Raises:
        MessageError: it is none; -32600, with the id if one could be read.
    """
    if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
        raise MessageError(INVALID_REQUEST, "Invalid request: not a JSON-RPC 2.0 message")
    method, id, params = value.get("method"), value.get("id"), value.get("params")  # noqa: A001
    if type(method) is str and type(params) is dict and type(id) in _IDS:  # what most are
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
    """Return an error response; without an id the member is left out, as the transport's own errors do."""
    error: dict[str, Any] = {"code": code, "message": text}
    if data is not None:
        error["data"] = data
    body: dict[str, Any] = {"jsonrpc": "2.0", "error": error}
    if id is not None:
        body["id"] = id
    return body


def to_json(value: Any) -> bytes:
    """Return `value` as JSON; integers beyond 64 bits and other rarities take the slower way."""
    try:
        return orjson.dumps(value)
    except TypeError:
        import json  # noqa: PLC0415 - hardly ever

        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


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
