"""The audit log: one line of JSON for each refused request and each tool call.

A line says who called what, how it ended and how long it took. It never holds a token, an argument or a
result. Lines go to the logger `mcpsecurity.audit`; `record.event` has the same fields as a mapping.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import ContextVar

from aiohttp import web
from aiohttp.typedefs import Handler

from mcpsecurity.runtime.log import log_event, utc_text
from mcpsecurity.runtime.request_context import begin_request, correlation_id, handled_request
from mcpsecurity_server.transport.protocol import SESSION_HEADER, STATELESS_VERSION, VERSION_HEADER

__all__ = ["DENIED", "AuditLog", "note_outcome", "noted_outcome", "number_requests"]

_log = logging.getLogger("mcpsecurity.audit")

DENIED = {403: "origin_not_allowed", 404: "no_such_session", 421: "host_not_allowed"}
"""The reasons for which the transport denies a request with a good token, by the status of its response."""

_NOBODY = (None, None, None)
"""Tenant, person and client of a caller who is not known."""

_outcome: ContextVar[str | None] = ContextVar("audited_outcome", default=None)


@web.middleware
async def number_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its correlation id, where no authentication does."""
    begin_request()
    return await handler(request)


def note_outcome(outcome: str) -> None:
    """Set the outcome of the tool call that runs now, if the tool knows more than its caller can tell."""
    _outcome.set(outcome)


def noted_outcome() -> str | None:
    """Return the outcome that was set for the tool call that runs now, or None."""
    return _outcome.get()


class AuditLog:
    """Writes the audit log. `trace_fields` returns the fields of the current trace, if traces are recorded.

    A caller is a tuple of tenant, person and client.

    Attributes:
        denials: how many requests were denied, by reason.
    """

    def __init__(self, trace_fields: Callable[[], Mapping[str, str]] | None = None) -> None:
        self._trace_fields = trace_fields
        self.denials: Counter[str] = Counter()

    def request_refused(
        self,
        request: web.BaseRequest,
        status: int,
        reason: str,
        caller: tuple[str, str, str] | None = None,
        *,
        level: int = logging.WARNING,
    ) -> None:
        """Write that a request was refused; `caller` defaults to that of the current request."""
        self.denials[reason] += 1
        if not _log.isEnabledFor(level):
            return
        event = {
            "time": utc_text(time.time()),
            "event": "request_refused",
            "status": status,
            "reason": reason,
            "method": request.method,
            "path": request.path,
            "remote": request.remote,
        }
        self._write(level, event, caller or handled_request().caller)

    def response_sent(self, request: web.BaseRequest, status: int) -> None:
        """Write that the transport denied a request with a good token, if the status says so."""
        reason = DENIED.get(status)
        if reason is not None and (status != 404 or _names_session(request)):
            self.request_refused(request, status, reason)

    def tool_called(self, tool: str, outcome: str, seconds: float) -> None:
        """Write that a tool call ended: `outcome` is ok, error, declined, cancelled or failed."""
        if not _log.isEnabledFor(logging.INFO):
            return
        if (noted := _outcome.get()) is not None:
            outcome = noted
            _outcome.set(None)
        event = {
            "time": utc_text(time.time()),
            "event": "tool_call",
            "tool": tool,
            "outcome": outcome,
            "duration_ms": int(seconds * 1_000_000) / 1000,
        }
        self._write(logging.INFO, event, handled_request().caller)

    def _write(self, level: int, event: dict[str, object], caller: tuple[str, str, str] | None) -> None:
        event["tenant"], event["user"], event["client"] = caller or _NOBODY
        event["correlation_id"] = correlation_id()
        if self._trace_fields is not None:
            event |= self._trace_fields()
        log_event(_log, level, event)


def _names_session(request: web.BaseRequest) -> bool:
    """Tell whether the request asks for a session; revision 2026-07-28 has none and ignores the header."""
    headers = request.headers
    return SESSION_HEADER in headers and headers.get(VERSION_HEADER) != STATELESS_VERSION
