"""The audit log: one line of JSON for each refused request and each tool call.

It says who, what, how it ended and how long it took. It never holds a token, an argument or a result. Lines
go to the logger `mcpsecurity.audit`; the record carries the same as a mapping in its attribute `event`.
"""

import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import uuid4

import orjson
from aiohttp import web

from mcpsecurity_server.auth.caller import current_caller
from mcpsecurity_server.auth.refusals import Refusal

__all__ = ["audit_refusal", "audit_tool_call", "correlation_id", "new_correlation"]

_log = logging.getLogger("mcpsecurity.audit")
_correlation: ContextVar[str] = ContextVar("correlation_id", default="-")


def new_correlation() -> str:
    """Give the request that is handled now an id of its own, and return it."""
    value = uuid4().hex
    _correlation.set(value)
    return value


def correlation_id() -> str:
    """Return the id of the request that is handled now, or "-"."""
    return _correlation.get()


def audit_refusal(request: web.BaseRequest, refusal: Refusal) -> None:
    """Log that a request was refused."""
    _write(
        logging.WARNING,
        event="request_refused",
        status=refusal.status,
        reason=refusal.reason,
        method=request.method,
        path=request.path,
        remote=request.remote,
    )


def audit_tool_call(tool: str, outcome: str, seconds: float) -> None:
    """Log that a tool call ended: `outcome` is ok, error, declined, cancelled or failed."""
    if not _log.isEnabledFor(logging.INFO):
        return
    caller = current_caller()
    _write(
        logging.INFO,
        event="tool_call",
        tool=tool,
        outcome=outcome,
        duration_ms=round(seconds * 1000, 3),
        user=caller.object_id if caller else None,
        tenant=caller.tenant_id if caller else None,
        client=caller.client_id if caller else None,
    )


def _write(level: int, **event: object) -> None:
    event = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}
    event["correlation_id"] = correlation_id()
    _log.log(level, "%s", orjson.dumps(event).decode(), extra={"event": event})
