"""JSON-RPC messages of an MCP server, made valid or refused before the SDK parses them.

The SDK waits for ever for an answer that it cannot parse. So this module handles each body first: it replaces
text that is not Unicode, gives messages the id of the request that they answer, and raises
`UnreadableAnswerError` for anything else. It packs structured content whose digits the SDK would lose
(`exact_decimals`).
"""

import json
import logging
import re
from typing import Any, get_args

from mcp import types
from pydantic import BaseModel, ValidationError

from mcpsecurity.runtime.exact_decimals import loads, packed
from mcpsecurity.sentences import Sentence

ACKNOWLEDGED = "notifications/subscriptions/acknowledged"
"""What a stream of list changes begins with in revision 2026-07-28."""

NO_REASON = "The server gave no reason."
"""The message of an error that has none."""

_log = logging.getLogger(__name__)

_SURROGATES = re.compile("[\ud800-\udfff]")
_MAX_DEPTH = 190
"""The SDK reads 200 levels."""


def _by_method(kind: Any) -> dict[str, type[BaseModel]]:
    union = get_args(kind.model_fields["root"].annotation)
    return {get_args(each.model_fields["method"].annotation)[0]: each for each in union}


_NOTIFICATIONS, _REQUESTS = _by_method(types.ServerNotification), _by_method(types.ServerRequest)


class UnreadableAnswerError(ValueError):
    """The body is not a JSON-RPC response to the request; the message says what it is instead."""


def parsed(text: str | bytes) -> Any:
    """Return parsed JSON; of several texts of JSON, one a line, a list as of a batch.

    Lone surrogates become U+FFFD; values that are nested too deeply become a note.

    Raises:
        UnreadableAnswerError: the text is not JSON.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise UnreadableAnswerError(Sentence("an empty body"))
    try:
        return encodable(loads(text), cut=True)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise UnreadableAnswerError(Sentence("unreadable JSON")) from error
        return [parsed(line) for line in lines]


def encodable(value: Any, depth: int = 0, *, cut: bool = False) -> Any:
    """Return a JSON value whose text can be encoded as UTF-8: lone surrogates become U+FFFD.

    `cut` puts a note in the place of values that are nested too deeply.

    Raises:
        ValueError: it is nested too deeply.
    """
    if depth > _MAX_DEPTH:
        if cut:
            return "[nested too deeply]"
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [encodable(item, depth + 1, cut=cut) for item in value]
    if isinstance(value, dict):
        return {encodable(key): encodable(item, depth + 1, cut=cut) for key, item in value.items()}
    return value


def response_to(request_id: Any, message: Any) -> dict[str, Any]:
    """Return the response to a request out of a parsed body; of a batch, the one that answers it.

    An error without an id answers the request that it came for.

    Raises:
        UnreadableAnswerError: it has no answer.
    """
    messages = message if isinstance(message, list) else [message]
    for candidate in messages:
        if (found := _response(request_id, candidate)) is not None:
            return found
    raise UnreadableAnswerError(Sentence("a message that is no answer to this request"))


def question_of(message: Any) -> dict[str, Any] | None:
    """Return the server's request or notification in a message; None for any other message.

    Other members are left out: the SDK takes a request with an `error` for the answer that it waits for.
    So are notifications that the SDK does not know, and the parameters of requests that it cannot read: it
    writes their content into the log.
    """
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return None
    question = {key: message[key] for key in ("id", "method", "params") if key in message}
    if "id" not in question and question["method"] == ACKNOWLEDGED:
        return {"jsonrpc": "2.0", "method": ACKNOWLEDGED}
    if "id" not in question:
        return {"jsonrpc": "2.0"} | question if _is_valid(_NOTIFICATIONS, question) else None
    if not _is_valid(_REQUESTS, question):
        question.pop("params", None)
    return {"jsonrpc": "2.0"} | question


def _is_valid(kinds: dict[str, type[BaseModel]], message: dict[str, Any]) -> bool:
    try:
        kinds[message["method"]].model_validate(message)
    except (KeyError, ValidationError):
        _log.debug("the server sent a notification or request that is not understood")
        return False
    return True


def error_of(message: Any) -> dict[str, Any] | None:
    """Return the error of a JSON-RPC message as `code`, `message` and perhaps `data`; None without one."""
    error = message.get("error") if isinstance(message, dict) else None
    if not error and not isinstance(error, dict):
        return None
    if not isinstance(error, dict):
        error = {"message": error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)}
    code, text = error.get("code"), error.get("message")
    if not (isinstance(text, str) and text.strip()):
        text = code  # of libraries whose codes are words
    valid = {
        "code": code if isinstance(code, int) and not isinstance(code, bool) else -32603,
        "message": text if isinstance(text, str) and text.strip() else NO_REASON,
    }
    return valid | ({"data": error["data"]} if "data" in error else {})


def is_for(request_id: Any, message: dict[str, Any]) -> bool:
    """Tell whether a response has the id of a request."""
    theirs = message.get("id")
    return str(theirs) == str(request_id) or (isinstance(theirs, float) and theirs == request_id)


def _response(request_id: Any, message: Any) -> dict[str, Any] | None:
    if not isinstance(message, dict) or "method" in message:
        return None
    error = error_of(message)
    if not is_for(request_id, message) and not (message.get("id") is None and error is not None):
        return None
    if error is not None:
        return {"jsonrpc": "2.0", "id": request_id, "error": error}
    result = message.get("result")
    if not isinstance(result, dict):
        raise UnreadableAnswerError(Sentence("a result that is no object"))
    if "structuredContent" in result:
        result = {**result, "structuredContent": packed(result["structuredContent"])}
    return {"jsonrpc": "2.0", "id": request_id, "result": result}
