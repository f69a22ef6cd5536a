"""OpenTelemetry's SDK, set up for this process. Needs the extra `telemetry`; imported when it is wanted."""

import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version

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
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter
from prometheus_client import CollectorRegistry

from mcpsecurity.telemetry import Exporters
from mcpsecurity.telemetry.guard import GuardedExporter

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
