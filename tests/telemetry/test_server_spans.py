"""Whose child a server's span is: the client says so in `_meta`, in both eras; nonsense is ignored."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.telemetry.callers import Principal, running_server
from tests.telemetry.collector import Collector, Span, running_collector

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{PARENT}-01"
NAME = "tools/call get_current_date_time"


@pytest.fixture(scope="module")
async def collector() -> AsyncIterator[Collector]:
    async with running_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
async def caller(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Principal]:
    traces = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.url}/v1/traces",
        "OTEL_SERVICE_NAME": "my-server",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    async with running_server(tmp_path_factory.mktemp("spans"), **traces) as caller:
        yield caller


async def span_of(collector: Collector, answer: Any, name: str = NAME) -> Span:
    """Return the one span of the call that was just answered."""
    assert "result" in answer or "error" in answer, answer
    await collector.until(lambda c: bool(c.spans))
    (span,) = collector.spans
    collector.spans.clear()
    assert (span.name, span.service, span.kind) == (name, "my-server", "SERVER")
    return span


async def test_a_call_in_a_session_is_a_child_of_the_span_that_its_meta_names(
    collector: Collector, caller: Principal
) -> None:
    span = await span_of(collector, await caller.call({"traceparent": GOOD, "tracestate": "a=b"}))
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    assert span.attributes["mcp.protocol.version"] == "2025-11-25"
    assert len(span.attributes["mcp.session.id"]) == 16


async def test_so_is_a_call_without_a_session(collector: Collector, caller: Principal) -> None:
    answer = await caller.call_without_session({"traceparent": GOOD})
    assert answer["result"]["resultType"] == "complete"
    span = await span_of(collector, answer)
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    assert span.attributes["mcp.protocol.version"] == "2026-07-28"
    assert "mcp.session.id" not in span.attributes


async def test_the_header_counts_where_meta_says_nothing(collector: Collector, caller: Principal) -> None:
    span = await span_of(collector, await caller.call(headers={"traceparent": GOOD}))
    assert (span.trace_id, span.parent_id) == (TRACE, PARENT)
    other = f"00-{'ab' * 16}-{'cd' * 8}-01"
    span = await span_of(collector, await caller.call({"traceparent": GOOD}, headers={"traceparent": other}))
    assert span.trace_id == TRACE


@pytest.mark.parametrize(
    "value",
    [1, None, True, [GOOD], {"a": 1}, "", "nonsense", GOOD[:-1], GOOD.replace(TRACE, "0" * 32),
     "ff" + GOOD[2:], GOOD + "-" + "x" * 600, "\x00", GOOD.upper()],
)  # fmt: skip
async def test_an_invalid_trace_context_is_ignored_and_the_call_is_answered(
    collector: Collector, caller: Principal, value: Any
) -> None:
    for call in (caller.call, caller.call_without_session):
        answer = await call({"traceparent": value})
        assert answer["result"]["isError"] is False
        span = await span_of(collector, answer)
        assert span.parent_id == ""
        assert span.trace_id != TRACE


async def test_a_tool_that_does_not_exist_is_not_named(collector: Collector, caller: Principal) -> None:
    span = await span_of(collector, await caller.call(tool="made up"), "tools/call")
    assert span.attributes["error.type"] == span.attributes["rpc.response.status_code"] == "-32602"
    assert "gen_ai.tool.name" not in span.attributes
    assert span.failed


async def test_a_method_that_does_not_exist_is_not_named(collector: Collector, caller: Principal) -> None:
    answer, _ = await caller._post("made/up", {}, caller._session)
    span = await span_of(collector, answer, "_OTHER")
    assert span.attributes["mcp.method.name"] == "_OTHER"


async def test_a_server_that_nobody_watches_imports_nothing_for_it(tmp_path: Path) -> None:
    async with running_server(tmp_path, PYTHONPROFILEIMPORTTIME="1") as caller:
        answer = await caller.call({"traceparent": GOOD})
        assert answer["result"]["isError"] is False
    imported = caller.log.read_text("utf-8")
    assert "mcpsecurity_server.transport" in imported
    for package in (
        "opentelemetry",
        "prometheus_client",
        "google.protobuf",
        "mcpsecurity_server.observability.telemetry",
    ):
        assert package not in imported, package
