"""The allowlist for spans: only the names and attributes listed here leave the process.

Libraries put conversations into spans: Semantic Kernel records an exception with its text, which for a tool
is its answer. So an attribute goes out only if it is known to hold no prompt, argument, result or token, an
exception without its text, and a status without its description.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status
from opentelemetry.util.types import AttributeValue

_LONGEST: Final = 200

SAFE_ATTRIBUTES: Final = frozenset(
    {
        "error.type",
        "exception.type",
        "gen_ai.agent.name",
        "gen_ai.conversation.id",
        "gen_ai.operation.name",
        "gen_ai.prompt.name",
        "gen_ai.provider.name",
        "gen_ai.request.max_tokens",
        "gen_ai.request.model",
        "gen_ai.request.temperature",
        "gen_ai.request.top_p",
        "gen_ai.response.finish_reason",
        "gen_ai.response.finish_reasons",
        "gen_ai.response.id",
        "gen_ai.response.model",
        "gen_ai.system",
        "gen_ai.tool.call.id",
        "gen_ai.tool.name",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "jsonrpc.request.id",
        "mcp.method.name",
        "mcp.protocol.version",
        "mcp.session.id",
        "mcpsecurity.agent.acts_for",
        "mcpsecurity.agent.id",
        "mcpsecurity.agent.parent_id",
        "mcpsecurity.outcome",
        "network.protocol.name",
        "network.transport",
        "rpc.response.status_code",
        "server.address",
        "server.port",
    }
)
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
