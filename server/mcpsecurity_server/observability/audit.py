"""The audit log: one line of JSON for each denied request and each tool call.

It says who, what, how it ended and how long it took. It never holds a token, an argument or a result. Lines
go to the logger `mcpsecurity.audit`; the record carries the same as a mapping in its attribute `event`.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar

from aiohttp import web
from aiohttp.typedefs import Handler

from mcpsecurity.correlation import begin_request, correlation_id, correlation_text, handled_request
from mcpsecurity.log import Event, log_events, utc_text
from mcpsecurity_server.auth.errors import AuthError, MissingToken
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.transport.protocol import SESSION_HEADER, STATELESS_VERSION, VERSION_HEADER

__all__ = [
    "DENIALS",
    "DENIED",
    "audit_denial",
    "audit_refusal",
    "audit_tool_call",
    "note_outcome",
    "note_traces",
    "noted_outcome",
    "number_requests",
    "write_waiting",
]

_log = logging.getLogger("mcpsecurity.audit")

DENIED = {403: "origin_not_allowed", 404: "no_such_session", 421: "host_not_allowed"}
"""Why a caller with a good token was denied: by the status with which the transport answers."""

DENIALS: Counter[str] = Counter()
"""How many requests were denied since the process began, by reason."""

_WAIT_SECONDS = 0.01
"""For so long a call may wait for others, to be written with them."""

_outcome: ContextVar[str | None] = ContextVar("audited_outcome", default=None)
_NO_TRACE: Mapping[str, str] = {}
_trace_fields: Callable[[], Mapping[str, str]] | None = None


@web.middleware
async def number_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give each request its correlation id, where no authentication does."""
    begin_request()
    return await handler(request)


def note_outcome(outcome: str) -> None:
    """Remember how the tool call that runs now ended, more precisely than its caller can tell."""
    _outcome.set(outcome)


def noted_outcome() -> str | None:
    """Return what was noted of the tool call that runs now, if anything was."""
    return _outcome.get()


def note_traces(fields: Callable[[], Mapping[str, str]]) -> None:
    """Let each line from now on have the `fields` of the trace that it belongs to."""
    global _trace_fields  # noqa: PLW0603 - of the process, as is the log
    _trace_fields = fields


def write_waiting() -> None:
    """Write the lines of calls that wait for others."""
    _calls.write()


def audit_refusal(request: web.BaseRequest, refusal: AuthError) -> None:
    """Log that a request was refused. One without credentials is how every client begins, and no warning."""
    level = logging.INFO if isinstance(refusal, MissingToken) else logging.WARNING
    _write_denial(level, request, refusal.status, refusal.reason, refusal.caller)


def audit_denial(request: web.BaseRequest, status: int) -> None:
    """Log that a request with a good token was denied for where it came from, or whose session it named."""
    reason = DENIED.get(status)
    if reason is not None and (status != 404 or _names_session(request)):
        _write_denial(logging.WARNING, request, status, reason, None)


def _names_session(request: web.BaseRequest) -> bool:
    """Tell whether the request asks for a session; revision 2026-07-28 has none and ignores the header."""
    headers = request.headers
    return SESSION_HEADER in headers and headers.get(VERSION_HEADER) != STATELESS_VERSION


def _write_denial(
    level: int, request: web.BaseRequest, status: int, reason: str, caller: Principal | None
) -> None:
    DENIALS[reason] += 1
    _write(
        level,
        event="request_refused",
        status=status,
        reason=reason,
        method=request.method,
        path=request.path,
        remote=request.remote,
        **_who(caller or handled_request().caller),
    )


def audit_tool_call(tool: str, outcome: str, seconds: float) -> None:
    """Log that a tool call ended: `outcome` is ok, error, declined, cancelled or failed."""
    if not _log.isEnabledFor(logging.INFO):
        return
    noted = _outcome.get()
    if noted is not None:
        outcome = noted
        _outcome.set(None)
    trace = _trace_fields() if _trace_fields is not None else _NO_TRACE
    request = handled_request()
    _calls.add((time.time(), tool, outcome, seconds, request.caller, request.number, trace))


_Call = tuple[float, str, str, float, Principal | None, int, Mapping[str, str]]
"""A tool call that has ended: when, the tool, the outcome, seconds, caller, number of the request, trace."""


def _event(call: _Call) -> Event:
    ended, tool, outcome, seconds, caller, number, trace = call
    tenant, user, client = caller.owner if caller is not None else _NOBODY
    return ended, {
        "time": utc_text(ended),
        "event": "tool_call",
        "tool": tool,
        "outcome": outcome,
        "duration_ms": int(seconds * 1_000_000) / 1000,
        "user": user,
        "tenant": tenant,
        "client": client,
        "correlation_id": correlation_text(number),
        **trace,
    }


_NOBODY = (None, None, None)
"""Tenant, person and client where nobody signs in."""


class _Calls:
    """Calls whose lines are written a moment later, together: that takes half as long."""

    def __init__(self) -> None:
        self._waiting: list[_Call] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, call: _Call) -> None:
        loop = asyncio.get_running_loop()
        self._waiting.append(call)
        if len(self._waiting) == 1 or loop is not self._loop:
            self._loop = loop
            loop.call_later(_WAIT_SECONDS, self.write, context=Context())

    def write(self) -> None:
        """Write what waits."""
        calls, self._waiting = self._waiting, []
        log_events(_log, logging.INFO, [_event(call) for call in calls])


_calls = _Calls()


def _who(caller: Principal | None) -> dict[str, str | None]:
    tenant, user, client = caller.owner if caller is not None else _NOBODY
    return {"user": user, "tenant": tenant, "client": client}


def _write(level: int, **details: object) -> None:
    """Write a line now, after those that wait."""
    _calls.write()
    now = time.time()
    event: dict[str, object] = {"time": utc_text(now), **details, "correlation_id": correlation_id()}
    if _trace_fields is not None:
        event |= _trace_fields()
    log_events(_log, level, [(now, event)])
