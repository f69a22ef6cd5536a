"""The error that a model's endpoint reports, for the operator's log, without quotes of the conversation."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai

from mcpsecurity.kernel.model import ProviderError
from mcpsecurity.model_error import error_of
from mcpsecurity.model_refusal import Kind, kind_of

_MESSAGE = 400
_SHORT = 100
_LEFT_OUT = "[left out]"
_SHARED = 12
"""A run of this many characters that the conversation has, too, counts as a quote."""
_TELLING = 3
"""Shorter texts, such as one letter, are not searched for."""
_PERSONAL = re.compile(r"[0-9@]")
_REQUEST_IDS = (
    "x-request-id", "apim-request-id", "x-ms-request-id", "request-id", "x-amzn-requestid",
    "x-litellm-call-id", "mistral-correlation-id", "cf-ray",
)  # fmt: skip
_IDS_IN_BODY = ("request_id", "requestId", "id")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|‘[^’]*’|“[^”]*”")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.\[\]/-]{1,64}")


@dataclass(frozen=True, slots=True)
class Report:
    """An error as the endpoint words it; `status` is None for one in the middle of an answer."""

    status: int | None = None
    code: str = ""
    type: str = ""
    kind: Kind = "passing"
    message: str = ""
    request_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def line(self, said: Iterable[str]) -> str:
        """Return the report as one line of a log, without quotes of `said`, the conversation's texts."""
        told = {"code": self.code, "type": self.type, "request": self.request_id}
        parts = [f"status {self.status or '-'}", *(f"{name} {_escaped(v)}" for name, v in told.items() if v)]
        words = _escaped(_without(said, self.message[: 2 * _MESSAGE]))[:_MESSAGE]
        return ", ".join(parts) + (f": {words}" if words else "")


def report_of(error: openai.APIError | ProviderError) -> Report:
    """Return what the endpoint says is wrong."""
    body = error_of(error.body)
    status: int | None = None
    headers: Mapping[str, str] = {}
    if isinstance(error, openai.APIStatusError):
        status, headers = error.status_code, error.response.headers
    elif isinstance(error, ProviderError):
        headers = error.headers
    told = (*(headers.get(name) for name in _REQUEST_IDS), *(body.get(name) for name in _IDS_IN_BODY))
    return Report(
        status=status,
        code=_short(body.get("code", body.get("error_code"))),
        type=_short(body.get("type")),
        kind=kind_of(status, body),
        message=body.get("message", ""),
        request_id=next((_short(found) for found in told if found), ""),
        headers=headers,
    )


def _short(value: Any) -> str:
    return str(value)[:_SHORT] if isinstance(value, str | int) else ""


def _escaped(text: str) -> str:
    """Return text in one line of printable ASCII characters."""
    return "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text).strip()


def _without(said: Iterable[str], message: str) -> str:
    """Return a message with what it repeats of the conversation left out.

    Quotes are kept if they are names, such as a parameter's, that the conversation does not have.
    """
    texts = [text for text in said if text.strip()]

    def known(piece: str) -> bool:
        return any(piece in text for text in texts)

    def quoted(match: re.Match[str]) -> str:
        return match[0] if _PLAIN_NAME.fullmatch(match[0][1:-1]) and not known(match[0][1:-1]) else _LEFT_OUT

    message = _QUOTED.sub(quoted, message)
    for text in (text.strip() for text in texts):
        if _TELLING <= len(text) <= len(message):
            message = message.replace(text, _LEFT_OUT)
    for word in reversed(list(re.finditer(r"\S+", message))):
        piece = message[word.start() : word.start() + _SHARED]
        if len(piece) == _SHARED and known(piece):
            end = re.compile(r"\S*").match(message, word.start() + _SHARED)
            message = message[: word.start()] + _LEFT_OUT + message[end.end() if end else word.end() :]
        elif _PERSONAL.search(word[0]) and len(word[0]) > _TELLING and known(word[0].strip(".,:;()")):
            message = message[: word.start()] + _LEFT_OUT + message[word.end() :]
    return message
