"""Spans and metrics of the web chat, by OpenTelemetry's semantic conventions for HTTP and GenAI where they
have a word.

Without a provider, which nobody sets up unless the environment asks for it, OpenTelemetry's API does nothing.
Values of labels are bounded, and none says who somebody is or what was said.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mcpsecurity_webclient.chat.models import PendingFunctionCall, Run
from mcpsecurity_webclient.web.access import DENIALS, PERSON
from mcpsecurity_webclient.web.errors import ApiError

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

__all__ = [
    "answer_watched",
    "call_ended",
    "model_asked",
    "offer_gauges",
    "tool_called",
    "trace_headers",
    "watch_requests",
]

_tracer = trace.get_tracer("mcpsecurity.webclient")
_meter = metrics.get_meter("mcpsecurity.webclient")
_propagator = TraceContextTextMapPropagator()

_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
_UNWATCHED: Final = frozenset({"/health", "/ready", "/api/chats/{chat_id}/events"})
"""Probes, and streams that are open for hours."""
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


@web.middleware
async def watch_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put each request into a span and measure it. A signed-in person's page may name the trace."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else ""
    if route in _UNWATCHED or route.startswith("/static"):
        return await handler(request)
    method = request.method if request.method in _METHODS else _OTHER
    labels: dict[str, AttributeValue] = {"http.request.method": method, "http.route": route}
    started = time.perf_counter()
    with _tracer.start_as_current_span(
        f"{method} {route}".rstrip(),
        context=_named_context(request),
        kind=SpanKind.SERVER,
        attributes=labels,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except (web.HTTPException, ApiError) as answer:
            status = answer.status
            raise
        except asyncio.CancelledError:
            status = 499
            raise
        finally:
            labels["http.response.status_code"] = status
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            _requests.record(time.perf_counter() - started, labels)


def trace_headers() -> dict[str, str]:
    """Return the headers that carry the current span to another replica."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


async def answer_watched(chat_id: str, run: Run, answer: Callable[[Run], Awaitable[None]]) -> None:
    """Await `answer(run)` in a span of its own; how it ended is in `run.status`."""
    started = time.perf_counter()
    _active.add(1)
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "web chat",
        "gen_ai.conversation.id": chat_id,
    }
    with _tracer.start_as_current_span("invoke_agent web chat", attributes=attributes) as span:
        try:
            await answer(run)
        finally:
            span.set_attribute("mcpsecurity.outcome", run.status)
            if run.status == "failed":
                span.set_attribute("error.type", "failed")
                span.set_status(Status(StatusCode.ERROR))
            _active.add(-1)
            _runs.record(time.perf_counter() - started, {"mcpsecurity.outcome": run.status})


@contextmanager
def model_asked(model: str) -> Iterator[Callable[[Mapping[str, int]], None]]:
    """Measure what the model says in the block; what is yielded takes the tokens used."""
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
def tool_called(function: str) -> Iterator[None]:
    """Put an approved tool call into a span; `function` is what the model calls the tool."""
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


def call_ended(call: PendingFunctionCall, outcome: str) -> None:
    """Count a tool call. A tool that no server has is what a model made up, and is not named."""
    tool = call.tool if call.server else _OTHER
    _calls.add(
        1, {"gen_ai.tool.name": tool, "mcpsecurity.server": call.server, "mcpsecurity.outcome": outcome}
    )


def offer_gauges(counts: Mapping[str, tuple[str, Callable[[], int]]]) -> None:
    """Offer gauges by name: what is counted, and what counts it, which may be asked in any thread."""
    for name, (description, count) in counts.items():
        _meter.create_observable_gauge(name, [_gauge(count)], description=description)
    _meter.create_observable_counter(
        "mcpsecurity.requests.denied",
        [_denials],
        unit="{request}",
        description="Requests that were refused, by reason.",
    )


def _denials(_: CallbackOptions) -> Iterable[Observation]:
    return [Observation(count, {"mcpsecurity.reason": reason}) for reason, count in list(DENIALS.items())]


def _gauge(count: Callable[[], int]) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def read(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(count())]

    return read


def _named_context(request: web.Request) -> Context:
    """Return the trace that a signed-in person's page names; what is none by the W3C's rules is ignored."""
    if PERSON not in request:
        return Context()
    given = {name: request.headers.get(name, "") for name in ("traceparent", "tracestate")}
    return _propagator.extract({name: v for name, v in given.items() if 0 < len(v) <= _LONGEST}, Context())
