"""A collector of OpenTelemetry: takes what services export by OTLP over HTTP, and keeps it for tests."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from tests.support.served import on_loopback

__all__ = ["Collector", "Span", "running_collector"]


@dataclass(frozen=True)
class Span:
    """A span as a test reads it; `kind` is like `SERVER`."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    failed: bool


@dataclass
class Collector:
    """What has arrived: `raw` are the bytes, decompressed."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    metrics: dict[str, set[str]] = field(default_factory=dict)
    raw: list[bytes] = field(default_factory=list)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, satisfied: Callable[["Collector"], bool], seconds: float = 30) -> None:
        """Wait until what has arrived satisfies a test."""
        async with asyncio.timeout(seconds):
            while not satisfied(self):
                self._arrived.clear()
                await self._arrived.wait()

    def named(self, name: str, service: str | None = None) -> list[Span]:
        """Return the spans of a name, of one service or all."""
        return [s for s in self.spans if s.name == name and service in (None, s.service)]

    async def take_traces(self, request: web.Request) -> web.Response:
        """Take spans."""
        message = ExportTraceServiceRequest.FromString(await self._body(request))
        for part in message.resource_spans:
            service = _values(part.resource.attributes)["service.name"]
            self.spans += [_span(service, span) for scope in part.scope_spans for span in scope.spans]
        self._arrived.set()
        return web.Response(content_type="application/x-protobuf")

    async def take_metrics(self, request: web.Request) -> web.Response:
        """Take metrics; their names by service are kept."""
        message = ExportMetricsServiceRequest.FromString(await self._body(request))
        for part in message.resource_metrics:
            names = self.metrics.setdefault(_values(part.resource.attributes)["service.name"], set())
            names |= {metric.name for scope in part.scope_metrics for metric in scope.metrics}
        self._arrived.set()
        return web.Response(content_type="application/x-protobuf")

    async def _body(self, request: web.Request) -> bytes:
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        self.raw.append(body)
        return body


@asynccontextmanager
async def running_collector() -> AsyncIterator[Collector]:
    """Run a collector on a free port of loopback."""
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take_traces)
    app.router.add_post("/v1/metrics", collector.take_metrics)
    async with on_loopback(app) as collector.url:
        yield collector


def _span(service: str, span: WireSpan) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=WireSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        failed=span.status.code == Status.STATUS_CODE_ERROR,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in attributes}
