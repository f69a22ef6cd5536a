"""A command of a page and all that it makes happen is one trace, over both services, and tells no secret."""

import re
from pathlib import Path
from typing import Any

import aiohttp
from tests.support.leaks import SECRETS
from tests.telemetry.collector import Collector, Span, running_collector
from tests.telemetry.services import ASK, Services, json_lines, running_services

from mcpsecurity.testing import LocalStack

SERVER, WEB = "mcpsecurity-server", "mcpsecurity-webclient"
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_METRIC_EXPORT_INTERVAL": "500"}
AGENT = "mcpsecurity.agent."
RUN, TOOL, COMMAND = (
    "invoke_agent web chat",
    "tools/call get_random_number",
    "POST /api/chats/{chat_id}/messages",
)


def ended_runs(collector: Collector) -> bool:
    return bool(collector.named(RUN))


def one(collector: Collector, name: str, service: str) -> Span:
    (span,) = collector.named(name, service)
    return span


async def test_one_command_is_one_trace_from_the_page_to_the_tool(local: LocalStack, tmp_path: Path) -> None:
    async with running_collector() as collector:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "MCPSECURITY_LOG_FORMAT": "json", **SOON}
        async with running_services(local, tmp_path, **more) as services:
            await services.chat()
            await list_prompts(services, local.cloud.access_token(agent="person"))
            await collector.until(
                lambda c: {SERVER, WEB} <= c.metrics.keys() and bool(c.named("prompts/list", SERVER))
            )
        command, run = one(collector, COMMAND, WEB), one(collector, RUN, WEB)
        called, asked = one(collector, "execute_tool Tools-get_random_number", WEB), one(collector, TOOL, WEB)
        handled = one(collector, TOOL, SERVER)
        assert command.parent_id == ""
        chain = (command, run, called, asked, handled)
        assert [span.parent_id for span in chain[1:]] == [span.span_id for span in chain[:-1]]
        assert {span.trace_id for span in chain} == {command.trace_id}
        assert [span.kind for span in chain] == ["SERVER", "INTERNAL", "INTERNAL", "CLIENT", "SERVER"]
        for said in collector.named("chat offline-model"):
            assert (said.trace_id, said.parent_id) == (run.trace_id, run.span_id)
            assert said.attributes["gen_ai.usage.input_tokens"] > 0
        assert one(collector, "tools/list", SERVER).trace_id != command.trace_id  # when the page opened
        assert_named_as_the_conventions_have_it(handled, asked)
        agents = {key.removeprefix(AGENT): value for key, value in last_prompts_list(collector).items()}
        cloud = local.cloud
        assert agents == {
            "id": cloud.agent_client_id,
            "acts_for": "person",
            "parent_id": cloud.agent_parent_id,
        }
        assert not [key for key in handled.attributes if key.startswith(AGENT)], "a person without an agent"
        (line,) = [line for line in json_lines(services.server_log) if line["message"] == "tool_call"]
        assert (line["trace_id"], line["span_id"]) == (handled.trace_id, handled.span_id)
        assert "mcp.server.operation.duration" in collector.metrics[SERVER]
        assert "gen_ai.client.token.usage" in collector.metrics[WEB]


async def list_prompts(services: Services, token: str) -> None:
    """Ask the server in the revision without sessions."""
    version = "2026-07-28"
    own = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = {"jsonrpc": "2.0", "id": 1, "method": "prompts/list", "params": {"_meta": own}}
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
    headers |= {"MCP-Protocol-Version": version, "Mcp-Method": "prompts/list"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(services.mcp_url, json=message, headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()


def last_prompts_list(collector: Collector) -> dict[str, Any]:
    """Return the attributes about agents of the last such span of the server."""
    attributes = collector.named("prompts/list", SERVER)[-1].attributes
    return {key: value for key, value in attributes.items() if key.startswith(AGENT)}


def assert_named_as_the_conventions_have_it(handled: Span, asked: Span) -> None:
    wanted = {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2025-11-25",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_random_number",
        "network.transport": "tcp",
    }
    for span in (handled, asked):
        assert wanted.items() <= span.attributes.items()
    assert handled.attributes["mcp.session.id"] == asked.attributes["mcp.session.id"]
    assert handled.attributes["mcpsecurity.outcome"] == "ok"
    assert not handled.failed


async def test_the_trace_goes_on_from_a_page_that_names_one(local: LocalStack, tmp_path: Path) -> None:
    async with running_collector() as collector:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **SOON}
        async with running_services(local, tmp_path, **more) as services:
            await ask(services, "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
            await collector.until(ended_runs)
            command = one(collector, COMMAND, WEB)
            assert (command.trace_id, command.parent_id) == ("ab" * 16, "cd" * 8)
            assert one(collector, RUN, WEB).trace_id == "ab" * 16
            collector.spans.clear()
            await ask(services, "00-" + "0" * 32 + "-" + "cd" * 8 + "-01")
            await collector.until(ended_runs)
            assert one(collector, COMMAND, WEB).parent_id == ""


async def ask(services: Services, traceparent: str) -> None:
    async with services.person() as person, person.page() as page:
        headers = {"X-CSRF-Token": person.csrf, "Origin": services.url, "traceparent": traceparent}
        url = f"{services.url}/api/chats/{person.chat_id}/messages"
        async with person.http.post(url, json={"text": "hello"}, headers=headers) as response:
            assert response.status == 202
        await page.until("run.done")


async def test_nothing_that_was_said_or_opens_anything_is_exported(local: LocalStack, tmp_path: Path) -> None:
    """Of a call that succeeds and of one that fails, whose error says what was asked for."""
    async with running_collector() as collector:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **SOON}
        async with running_services(local, tmp_path, **more) as services:
            await services.chat()
            failed = await services.chat("The weather in Xyzzyville please")
            assert failed["status"] == "failed"
            assert "Xyzzyville" in str(failed["content"])
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{services.url}/signin-oidc?code=xyzzy") as a,
            ):
                assert a.status < 500
            await collector.until(lambda c: len(c.named(RUN)) == 2 and {SERVER, WEB} <= c.metrics.keys())
        (span,) = collector.named("tools/call get_city_weather", SERVER)
        assert (span.failed, span.attributes["error.type"]) == (True, "tool_error")
        exported = b"\n".join(collector.raw)
        assert len(exported) > 5000
        text = exported.decode("latin-1")
        for said in ("4711004", ASK, "Xyzzyville", "xyzzy", "alice", "Alice", services.local.cloud.tenant_id):
            assert said not in text, said
        assert SECRETS.search(text) is None
        assert re.search(r"[\w-]{32}", without_ids(text)) is None, "a session's id, a code or a cookie"


def without_ids(text: str) -> str:
    """Drop long text that is not secret: names of modules and functions, and ids."""
    return re.sub(
        r"chatcmpl-\w+|[\w.]*(?:mcpsecurity|opentelemetry|semantic_kernel|function)[\w.]*|"
        r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        "",
        text,
    )


async def test_who_turns_it_off_by_the_standard_switch_exports_nothing(
    local: LocalStack, tmp_path: Path
) -> None:
    async with running_collector() as collector:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SDK_DISABLED": "true", **SOON}
        async with running_services(local, tmp_path, **more) as services:
            await services.chat()
        assert collector.raw == []


async def test_how_long_a_person_is_asked_is_a_span_of_the_call(local: LocalStack, tmp_path: Path) -> None:
    async with running_collector() as collector:
        more = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "MCP_SERVER_APPROVAL": "required", **SOON}
        async with (
            running_services(local, tmp_path, **more) as services,
            services.person() as person,
            person.page() as page,
        ):
            await person.decide(await person.ask(page, ASK))
            asked = (await page.until("elicitation.requested"))["elicitation"]
            await person.command(f"elicitations/{asked['elicitation_id']}", action="decline")
            await page.until("run.done")
        question, call = one(collector, "elicitation/create", SERVER), one(collector, TOOL, SERVER)
        assert (question.kind, question.parent_id) == ("CLIENT", call.span_id)
        assert question.attributes["mcpsecurity.outcome"] == "decline"
        assert call.attributes["mcpsecurity.outcome"] == "declined"
