"""Spans and metrics of the web chat, named by OpenTelemetry's semantic conventions for HTTP and GenAI where
those have a name.

Without a provider, which only the environment sets up, OpenTelemetry's API does nothing. The values of labels
are bounded; none identifies a person or contains text of a conversation.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

Gauge = tuple[str, Callable[[], int]]
"""A gauge's description, and the function that returns its current value."""

_tracer = trace.get_tracer("mcpsecurity.webclient")
_meter = metrics.get_meter("mcpsecurity.webclient")
_propagator = TraceContextTextMapPropagator()

_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_OTHER: Final = "_OTHER"
_LONGEST: Final = 512
_KINDS: Final = {"prompt_tokens": "input", "completion_tokens": "output"}

_requests = _meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="How long requests took, by route and status.",
    explicit_bucket_boundaries_advisory=(
        *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    ),
)
_model_seconds = _meter.create_histogram(
    "gen_ai.client.operation.duration",
    unit="s",
    description="How long the model took to say one thing.",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
_tokens = _meter.create_histogram(
    "gen_ai.client.token.usage",
    unit="{token}",
    description="Tokens of one thing that the model said, by model and direction.",
    explicit_bucket_boundaries_advisory=_TOKENS,
)
_runs = _meter.create_histogram(
    "mcpsecurity.chat.run.duration",
    unit="s",
    description="How long answers took, approvals and tools included, by how they ended.",
    explicit_bucket_boundaries_advisory=(*_SECONDS, 163.84, 327.68),
)
_active = _meter.create_up_down_counter(
    "mcpsecurity.chat.runs", unit="{run}", description="Answers that are being written."
)
_calls = _meter.create_counter(
    "mcpsecurity.tool.calls", unit="{call}", description="Tool calls that have ended, by outcome."
)
_feedback = _meter.create_counter(
    "mcpsecurity.chat.feedback", unit="{mark}", description="Thumbs up and down that people gave to answers."
)


@dataclass(slots=True)
class RequestOutcome:
    """The status of a request's answer, to be set inside `trace_request`."""

    status: int = 500


@contextmanager
def trace_request(method: str, route: str, parent: Mapping[str, str]) -> Iterator[RequestOutcome]:
    """Put a request into a span and measure its duration; the block sets the outcome's status.

    `route` is the route's pattern. `parent` holds headers that may continue a trace (W3C Trace Context);
    invalid ones are ignored.
    """
    method = method if method in _METHODS else _OTHER
    labels: dict[str, AttributeValue] = {"http.request.method": method, "http.route": route}
    started, outcome = time.perf_counter(), RequestOutcome()
    with _tracer.start_as_current_span(
        f"{method} {route}".rstrip(),
        context=_extracted(parent),
        kind=SpanKind.SERVER,
        attributes=labels,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield outcome
        finally:
            labels["http.response.status_code"] = outcome.status
            span.set_attribute("http.response.status_code", outcome.status)
            if outcome.status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            _requests.record(time.perf_counter() - started, labels)


def trace_headers() -> dict[str, str]:
    """Return the headers that carry the current span to another replica."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


async def trace_run(
    chat_id: str, answer: Callable[[], Awaitable[None]], *, outcome: Callable[[], str]
) -> None:
    """Await `answer()` in a span, then record its duration with the attributes that `outcome()` returns."""
    started = time.perf_counter()
    _active.add(1)
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "web chat",
        "gen_ai.conversation.id": chat_id,
    }
    with _tracer.start_as_current_span("invoke_agent web chat", attributes=attributes) as span:
        try:
            await answer()
        finally:
            status = outcome()
            span.set_attribute("mcpsecurity.outcome", status)
            if status == "failed":
                span.set_attribute("error.type", "failed")
                span.set_status(Status(StatusCode.ERROR))
            _active.add(-1)
            _runs.record(time.perf_counter() - started, {"mcpsecurity.outcome": status})


@contextmanager
def trace_model_call(model: str) -> Iterator[Callable[[Mapping[str, int]], None]]:
    """Measure the request to the model that the block makes; the yielded function records its tokens."""
    labels: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": model,
    }

    def used(tokens: Mapping[str, int]) -> None:
        for name, count in tokens.items():
            _tokens.record(count, labels | {"gen_ai.token.type": _KINDS.get(name, _OTHER)})

    started, failure = time.perf_counter(), {}
    try:
        yield used
    except BaseException as error:
        failure = {"error.type": type(error).__name__}
        raise
    finally:
        _model_seconds.record(time.perf_counter() - started, labels | failure)


@contextmanager
def trace_tool_call(function: str) -> Iterator[None]:
    """Put an approved tool call into a span; `function` is the model's name of the tool."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": function}
    with _tracer.start_as_current_span(
        f"execute_tool {function}",
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def count_tool_call(tool: str, server: str, outcome: str) -> None:
    """Count a finished tool call. Without a server the model invented the tool: its name is left out."""
    name = tool if server else _OTHER
    _calls.add(1, {"gen_ai.tool.name": name, "mcpsecurity.server": server, "mcpsecurity.outcome": outcome})


def count_feedback(feedback: str, model: str | None) -> None:
    """Count a person's rating of an answer: up or down."""
    _feedback.add(1, {"mcpsecurity.feedback": feedback, "gen_ai.response.model": model or _OTHER})


def register_gauges(counts: Mapping[str, Gauge], denials: Mapping[str, int]) -> None:
    """Register a gauge for each of `counts`, which are called in any thread, and a counter of `denials`, the
    numbers of refused requests by error code."""

    def denied(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count, {"mcpsecurity.reason": reason}) for reason, count in list(denials.items())]

    for name, (description, count) in counts.items():
        _meter.create_observable_gauge(name, [_gauge(count)], description=description)
    _meter.create_observable_counter(
        "mcpsecurity.requests.denied",
        [denied],
        unit="{request}",
        description="Requests that were refused, by reason.",
    )


def _gauge(count: Callable[[], int]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count())]

    return read


def _extracted(headers: Mapping[str, str]) -> Context:
    given = {name: headers.get(name, "") for name in ("traceparent", "tracestate")}
    return _propagator.extract({name: v for name, v in given.items() if 0 < len(v) <= _LONGEST}, Context())
