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
from mcpsecurity.runtime.request_context import (
    HandledRequest,
    begin_request,
    correlation_text,
    handled_request,
)
from mcpsecurity_server.transport import SESSION_HEADER, STATELESS_VERSION, VERSION_HEADER

_log = logging.getLogger("mcpsecurity.audit")

DENIED = {403: "origin_not_allowed", 404: "no_such_session", 421: "host_not_allowed"}
"""The reasons for which the transport denies a request with a good token, by the status of its response."""

_NO_CALLER: Mapping[str, str | None] = {"user": None, "tenant": None, "client": None}
"""The caller of a request without a valid token."""

_NO_TRACE: Mapping[str, str] = {}

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
        caller: Mapping[str, str | None] | None = None,
        *,
        level: int = logging.WARNING,
    ) -> None:
        """Write that a request was refused; `caller` defaults to that of the current request."""
        self.denials[reason] += 1
        now, current = time.time(), handled_request()
        who = caller or current.caller or _NO_CALLER
        details = (status, reason, request.method, request.path, request.remote)
        log_event(_log, level, now, _refusal, now, details, who, current.number, self._trace())

    def response_sent(self, request: web.BaseRequest, status: int) -> None:
        """Write that the transport denied a request with a good token, if the status says so."""
        reason = DENIED.get(status)
        if reason is not None and (status != 404 or _names_session(request)):
            self.request_refused(request, status, reason)

    def tool_called(self, tool: str, outcome: str, seconds: float) -> None:
        """Write that a tool call ended: `outcome` is ok, error, declined, cancelled or failed."""
        if (noted := _outcome.get()) is not None:
            outcome = noted
            _outcome.set(None)
        now, current = time.time(), handled_request()
        log_event(_log, logging.INFO, now, _tool_call, now, tool, outcome, seconds, current, self._trace())

    def _trace(self) -> Mapping[str, str]:
        return _NO_TRACE if self._trace_fields is None else self._trace_fields()


def _refusal(
    at: float,
    details: tuple[int, str, str, str, str | None],
    caller: Mapping[str, str | None],
    request: int,
    trace: Mapping[str, str],
) -> dict[str, object]:
    """Return the fields of a line about a refused request."""
    status, reason, method, path, remote = details
    return {
        "time": utc_text(at),
        "event": "request_refused",
        "status": status,
        "reason": reason,
        "method": method,
        "path": path,
        "remote": remote,
        **caller,
        "correlation_id": correlation_text(request),
        **trace,
    }


def _tool_call(
    at: float, tool: str, outcome: str, seconds: float, request: HandledRequest, trace: Mapping[str, str]
) -> dict[str, object]:
    """Return the fields of a line about a tool call."""
    return {
        "time": utc_text(at),
        "event": "tool_call",
        "tool": tool,
        "outcome": outcome,
        "duration_ms": int(seconds * 1_000_000) / 1000,
        **(request.caller or _NO_CALLER),
        "correlation_id": correlation_text(request.number),
        **trace,
    }


def _names_session(request: web.BaseRequest) -> bool:
    """Tell whether the request asks for a session; revision 2026-07-28 has none and ignores the header."""
    headers = request.headers
    return SESSION_HEADER in headers and headers.get(VERSION_HEADER) != STATELESS_VERSION
