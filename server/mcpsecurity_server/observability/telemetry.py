"""Spans and metrics of the server, named by OpenTelemetry's semantic conventions for MCP where they apply.

Imported only if telemetry is configured. Values of labels are bounded: a tool or a method is named only if it
exists, and callers are never named, but for agents in spans.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from aiohttp import web
from mcp.shared.exceptions import McpError
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from mcpsecurity.runtime.request_context import handled_request
from mcpsecurity.telemetry.names import session_attributes
from mcpsecurity_server.observability.audit import noted_outcome
from mcpsecurity_server.transport import (
    ALL_VERSIONS,
    METHODS,
    SESSION_HEADER,
    STATELESS_VERSION,
    VERSION_HEADER,
    Activity,
    AfterCall,
    BeforeCall,
    Call,
    MessageError,
    Request,
)

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""Buckets of durations: a call takes a millisecond, or minutes if it asks a person."""

OTHER: Final = "_OTHER"
_LONGEST: Final = 512
_ID: Final = 64
_AGENT: Final = {
    "mcpsecurity.agent.id": "agent",
    "mcpsecurity.agent.acts_for": "agent_acts_for",
    "mcpsecurity.agent.parent_id": "agent_parent",
}
_propagator = TraceContextTextMapPropagator()


class ServerInstrumentation:
    """An `Instrumentation` of the transport that records spans and metrics with OpenTelemetry.

    `denials` counts denied requests by reason; see `AuditLog.denials`.
    """

    def __init__(self, denials: Counter[str]) -> None:
        self._denials = denials
        self._is_tool: Callable[[Any], bool] = lambda _: False
        self._tracer = trace.get_tracer("mcpsecurity.server")
        self._meter = metrics.get_meter("mcpsecurity.server")
        self._durations = self._meter.create_histogram(
            "mcp.server.operation.duration",
            unit="s",
            description="Duration of requests, by method and tool.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._calls = self._meter.create_counter(
            "mcpsecurity.tool.calls", unit="{call}", description="Tool calls that have ended, by outcome."
        )
        self._meter.create_observable_counter(
            "mcpsecurity.requests.denied",
            [self._observe_denials],
            unit="{request}",
            description="Requests that were refused, by reason.",
        )

    async def wrap(self, request: Request, call: Call, run: Awaitable[Any]) -> Any:
        """Await `run` in a span whose parent the client has named, and measure it."""
        name, labels = self._described(request)
        call.session.asking = self._ask
        started = time.perf_counter()
        with self._tracer.start_as_current_span(
            name,
            context=remote_context(request.params.get("_meta"), call.http),
            kind=SpanKind.SERVER,
            attributes=labels | _of(request, call),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            failure: str | None = None
            try:
                result = await run
                failure = "tool_error" if _is_error(result) else None
                return result
            except MessageError as error:
                failure = str(error.code)
                span.set_attribute("rpc.response.status_code", failure)
                raise
            except asyncio.CancelledError:
                failure = None if call.outcome == "input_required" else "cancelled"
                raise
            finally:
                if failure is not None:
                    labels["error.type"] = failure
                    span.set_attribute("error.type", failure)
                    span.set_status(Status(StatusCode.ERROR))
                self._durations.record(time.perf_counter() - started, labels)

    async def _ask(self, method: str, run: Awaitable[Any]) -> Any:
        """Await a tool's request to its client in a span, which shows how long the person took."""
        with self._tracer.start_as_current_span(
            method,
            kind=SpanKind.CLIENT,
            attributes={"mcp.method.name": method},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                result = await run
            except McpError as error:
                span.set_attribute("rpc.response.status_code", str(error.error.code))
                span.set_attribute("error.type", str(error.error.code))
                span.set_status(Status(StatusCode.ERROR))
                raise
            action = result.get("action") if isinstance(result, dict) else None
            if action in ("accept", "decline", "cancel"):
                span.set_attribute("mcpsecurity.outcome", action)
            return result

    def _observe_denials(self, _: CallbackOptions) -> Iterable[Observation]:
        counts = list(self._denials.items())
        return [Observation(count, {"mcpsecurity.reason": reason}) for reason, count in counts]

    def _described(self, request: Request) -> tuple[str, dict[str, AttributeValue]]:
        """Return the name of the span and the labels; a tool that does not exist is not named."""
        method = request.method if request.method in METHODS else OTHER
        labels: dict[str, AttributeValue] = {"mcp.method.name": method}
        tool = request.params.get("name") if method == "tools/call" else None
        if not self._is_tool(tool):
            return method, labels
        return f"{method} {tool}", labels | {
            "gen_ai.tool.name": tool,
            "gen_ai.operation.name": "execute_tool",
        }

    def after_call(self, inner: AfterCall) -> AfterCall:
        """Return a callback for ended tool calls that counts them and calls `inner`."""

        def count(tool: str, outcome: str, seconds: float) -> None:
            outcome = noted_outcome() or outcome
            named = tool if self._is_tool(tool) else OTHER
            self._calls.add(1, {"gen_ai.tool.name": named, "mcpsecurity.outcome": outcome})
            trace.get_current_span().set_attribute("mcpsecurity.outcome", outcome)
            inner(tool, outcome, seconds)

        return count

    def before_call(self, inner: BeforeCall | None) -> BeforeCall | None:
        """Return a check for each tool call: `inner`, whose rate-limit refusals are counted."""
        if inner is None:
            return None

        async def check(tool: str, request: web.Request) -> None:
            try:
                await inner(tool, request)
            except web.HTTPTooManyRequests:
                self._denials["rate_limited"] += 1
                raise

        return check

    def observe(self, activity: Callable[[], Activity], is_tool: Callable[[Any], bool]) -> None:
        """Publish `activity` as gauges."""
        self._is_tool = is_tool
        described = {
            "sessions": ("{session}", "Sessions; with Redis those that this process works for."),
            "requests": ("{request}", "Requests that run now."),
            "questions": ("{question}", "Questions that wait for a client's answer."),
            "streams": ("{stream}", "Event streams that are open."),
        }
        for field, (unit, description) in described.items():
            self._meter.create_observable_gauge(
                f"mcpsecurity.server.{field}", [_gauge(activity, field)], unit=unit, description=description
            )


def remote_context(meta: Any, http: web.Request | None) -> Context:
    """Return the trace context in `_meta`, or else in the HTTP headers, or else an empty one.

    Values that are not valid by W3C Trace Context are ignored.
    """
    for carrier in (meta, http.headers if http is not None else None):
        if not isinstance(carrier, Mapping):
            continue
        given = {name: carrier.get(name) for name in ("traceparent", "tracestate")}
        texts = {name: v for name, v in given.items() if isinstance(v, str) and len(v) <= _LONGEST}
        context = _propagator.extract(texts, Context())
        if trace.get_current_span(context).get_span_context().is_valid:
            return context
    return Context()


def _of(request: Request, call: Call) -> dict[str, AttributeValue]:
    """Return the attributes of a span that are not labels, because they belong to one request only."""
    attributes: dict[str, AttributeValue] = {
        "jsonrpc.request.id": str(request.id)[:_ID],
        "network.transport": "tcp",
        "network.protocol.name": "http",
    }
    version = call.http.headers.get(VERSION_HEADER)
    session = call.http.headers.get(SESSION_HEADER) if version != STATELESS_VERSION else None
    caller = handled_request().caller or {}
    if caller.get("agent"):
        attributes |= {name: value for name, field in _AGENT.items() if (value := caller[field])}
    return attributes | session_attributes(version if version in ALL_VERSIONS else None, session)


def _is_error(result: Any) -> bool:
    return isinstance(result, dict) and bool(result.get("isError"))


def _gauge(
    activity: Callable[[], Activity], field: str
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(getattr(activity(), field))]

    return read
