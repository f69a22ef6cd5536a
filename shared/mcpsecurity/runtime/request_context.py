"""The request that is being handled; log lines of all tasks that it starts have its id."""

import itertools
import secrets
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_process = secrets.token_hex(6)
_numbers = itertools.count(1)


class HandledRequest:
    """A request, by its number in this process; 0 stands for none.

    `caller` has the fields of a log line that name the person and the client, once authentication has found
    them.
    """

    __slots__ = ("caller", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.caller: Mapping[str, str | None] | None = None


_none = HandledRequest(0)
_current: ContextVar[HandledRequest] = ContextVar("handled_request", default=_none)


def begin_request() -> HandledRequest:
    """Begin a request in this task, with a new id."""
    request = HandledRequest(next(_numbers))
    _current.set(request)
    return request


def handled_request() -> HandledRequest:
    """Return the request that is handled now."""
    return _current.get()


def correlation_id() -> str:
    """Return the id of the request that is handled now, or "-"."""
    return correlation_text(_current.get().number)


def correlation_text(number: int) -> str:
    """Return the id of the request with this number."""
    return f"{_process}-{number:x}" if number else "-"


def correlation_fields() -> dict[str, str]:
    """Return the field of a log line; none outside a request."""
    return {"correlation_id": correlation_id()} if _current.get().number else {}
