"""The id of the request that is handled now: what it makes happen, in whatever task, is logged with it."""

import itertools
import secrets
from contextvars import ContextVar

__all__ = ["begin_request", "correlation_fields", "correlation_id"]

_process = secrets.token_hex(6)
_numbers = itertools.count(1)
_current: ContextVar[str] = ContextVar("correlation_id", default="-")


def begin_request() -> None:
    """Give the request that is handled from now on, in this task, an id of its own."""
    _current.set(f"{_process}-{next(_numbers):x}")


def correlation_id() -> str:
    """Return the id of the request that is handled now, or "-"."""
    return _current.get()


def correlation_fields() -> dict[str, str]:
    """Return the field of a log line; none outside a request."""
    current = _current.get()
    return {} if current == "-" else {"correlation_id": current}
