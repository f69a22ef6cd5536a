"""The id of the request that is handled now: what it makes happen, in whatever task, is logged with it."""

import itertools
import secrets
from contextvars import ContextVar

__all__ = ["begin_request", "correlation_fields", "correlation_id", "correlation_text", "request_number"]

_process = secrets.token_hex(6)
_numbers = itertools.count(1)
_current: ContextVar[int] = ContextVar("request_number", default=0)


def begin_request() -> None:
    """Give the request that is handled from now on, in this task, an id of its own."""
    _current.set(next(_numbers))


def correlation_id() -> str:
    """Return the id of the request that is handled now, or "-"."""
    return correlation_text(_current.get())


def request_number() -> int:
    """Return the number, in this process, of the request that is handled now; 0 outside one."""
    return _current.get()


def correlation_text(number: int) -> str:
    """Return the id of the request with this number."""
    return f"{_process}-{number:x}" if number else "-"


def correlation_fields() -> dict[str, str]:
    """Return the field of a log line; none outside a request."""
    return {"correlation_id": correlation_id()} if _current.get() else {}
