"""OpenTelemetry's SDK, set up for this process. Needs the extra `telemetry`; imported when it is wanted."""

import threading
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue
from prometheus_client import CollectorRegistry

from mcpsecurity.telemetry import Exporters

_STOP_SECONDS = 2.0
_SPANS: dict[str, Callable[[], SpanExporter]] = {"otlp": OTLPSpanExporter, "console": ConsoleSpanExporter}
_METRICS: dict[str, Callable[[], MetricExporter]] = {
    "otlp": OTLPMetricExporter,
    "console": ConsoleMetricExporter,
}


class Telemetry:
    """The exporters of this process, until `close`. There is one in a process.

    Attributes:
        tracing: whether spans are exported.
        registry: what Prometheus reads; None unless `scraped`.
    """

    def __init__(self, service: str, asked: Exporters, *, scraped: bool) -> None:
        resource = _resource(service)
        self.tracing = bool(asked.traces)
        self.registry = CollectorRegistry() if scraped else None
        self._closers: list[Callable[[], None]] = []
        if asked.traces:
            tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
            for name in asked.traces:
                tracers.add_span_processor(BatchSpanProcessor(GuardedExporter(_SPANS[name]())))
            trace.set_tracer_provider(tracers)
            self._closers.append(tracers.shutdown)
        readers: list[MetricReader] = [PeriodicExportingMetricReader(_METRICS[n]()) for n in asked.metrics]
        if self.registry is not None:
            readers.append(PrometheusMetricReader(registry=self.registry, scope_info_enabled=False))
        if readers:
            meters = MeterProvider(readers, resource=resource, shutdown_on_exit=False)
            metrics.set_meter_provider(meters)
            self._closers.append(meters.shutdown)

    def close(self) -> None:
        """Send what waits, for two seconds at most: a collector that is away holds up no stop."""
        closers, self._closers = self._closers, []
        threads = [threading.Thread(target=close, daemon=True) for close in closers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_STOP_SECONDS)

    def log_fields(self) -> Mapping[str, str]:
        """Return the fields of a log line: in which trace and span it is logged. None outside a span."""
        context = trace.get_current_span().get_span_context()
        if not self.tracing or not context.is_valid:
            return {}
        return {
            "trace_id": trace.format_trace_id(context.trace_id),
            "span_id": trace.format_span_id(context.span_id),
        }


def _resource(service: str) -> Resource:
    """Return what the environment says of this process; what it leaves out is said here."""
    said = Resource.create()
    ours = {} if "service.version" in said.attributes else {"service.version": version("mcpsecurity")}
    if str(said.attributes["service.name"]).startswith("unknown_service"):
        ours["service.name"] = service
    return said.merge(Resource(ours))


_LONGEST: Final = 200

SAFE_ATTRIBUTES: Final = frozenset(
    {
        "error.type", "exception.type", "gen_ai.agent.name", "gen_ai.conversation.id",
        "gen_ai.operation.name", "gen_ai.prompt.name", "gen_ai.provider.name", "gen_ai.request.max_tokens",
        "gen_ai.request.model", "gen_ai.request.temperature", "gen_ai.request.top_p",
        "gen_ai.response.finish_reason", "gen_ai.response.finish_reasons", "gen_ai.response.id",
        "gen_ai.response.model", "gen_ai.system", "gen_ai.tool.call.id", "gen_ai.tool.name",
        "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "http.request.method",
        "http.response.status_code", "http.route", "jsonrpc.request.id", "mcp.method.name",
        "mcp.protocol.version", "mcp.session.id", "mcpsecurity.agent.acts_for", "mcpsecurity.agent.id",
        "mcpsecurity.agent.parent_id", "mcpsecurity.outcome", "network.protocol.name", "network.transport",
        "rpc.response.status_code", "server.address", "server.port",
    }
)  # fmt: skip
"""Names of attributes that may go out (OpenTelemetry's semantic conventions for HTTP, GenAI and MCP)."""


class GuardedExporter(SpanExporter):
    """Passes spans to another exporter, with listed names and attributes only."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export what may go out. Called in the exporting thread."""
        return self._inner.export([_guarded(span) for span in spans])

    def shutdown(self) -> None:
        """Shut the other exporter down."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the other exporter."""
        return self._inner.force_flush(timeout_millis)


def _guarded(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name[:_LONGEST],
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_safe(span.attributes),
        events=[Event(event.name, _safe(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _safe(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    safe = {name: value for name, value in (attributes or {}).items() if name in SAFE_ATTRIBUTES}
    address = safe.get("server.address")
    if isinstance(address, str) and "://" in address:  # Semantic Kernel's is a whole URL
        safe["server.address"] = urlsplit(address).hostname or ""
    return {name: value[:_LONGEST] if isinstance(value, str) else value for name, value in safe.items()}
