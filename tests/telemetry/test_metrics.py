"""Prometheus reads at ports of their own what both services have done and have open."""

import asyncio
import secrets
import socket
import sys
from os import environ
from pathlib import Path

import aiohttp
import pytest
from cryptography.fernet import Fernet
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.programs import redis_server
from tests.telemetry.callers import running_server
from tests.telemetry.scraping import Scrape, scraped
from tests.telemetry.services import ASK, running_services

from mcpsecurity.testing import LocalStack

TOOL = {"gen_ai_tool_name": "get_random_number"}


async def test_both_services_count_what_they_do(local: LocalStack, tmp_path: Path) -> None:
    ports = free_port(), free_port()
    more = {"MCP_SERVER_METRICS_PORT": str(ports[0]), "WEBCLIENT_METRICS_PORT": str(ports[1])}
    async with running_services(local, tmp_path, **more) as services:
        await services.chat()
        async with aiohttp.ClientSession() as http:
            async with http.post(services.mcp_url, json={}) as response:
                assert response.status == 401
            async with http.get(f"{services.url}/api/chats") as response:
                assert response.status == 401
        server, web = await scraped(ports[0]), await scraped(ports[1])
    assert_server_has_counted(server)
    assert_web_has_counted(web)
    for scrape in (server, web):
        assert "alice" not in scrape.text
        assert "4711004" not in scrape.text


def assert_server_has_counted(server: Scrape) -> None:
    assert server.value("mcpsecurity_tool_calls_total", **TOOL, mcpsecurity_outcome="ok") == 1
    seconds = "mcp_server_operation_duration_seconds"
    assert server.value(f"{seconds}_count", **TOOL, mcp_method_name="tools/call") == 1
    assert 0 < server.value(f"{seconds}_sum", **TOOL) < 60
    assert server.value("mcpsecurity_requests_denied_total", mcpsecurity_reason="no_credentials") == 1
    assert server.value("mcpsecurity_server_sessions") == 1
    assert server.value("mcpsecurity_server_requests") == 0
    assert server.value("target_info", service_name="mcpsecurity-server") == 1


def assert_web_has_counted(web: Scrape) -> None:
    outcome = {"mcpsecurity_outcome": "done", "mcpsecurity_server": "Tools"}
    assert web.value("mcpsecurity_tool_calls_total", **TOOL, **outcome) == 1
    assert web.value("mcpsecurity_chat_run_duration_seconds_count", mcpsecurity_outcome="completed") == 1
    assert web.value("mcpsecurity_requests_denied_total", mcpsecurity_reason="signed_out") == 1
    model = {"gen_ai_request_model": "offline-model"}
    for kind in ("input", "output"):
        assert web.value("gen_ai_client_token_usage_sum", gen_ai_token_type=kind, **model) > 10
    assert web.value("gen_ai_client_operation_duration_seconds_count", **model) == 2
    route = {"http_route": "/api/chats/{chat_id}/messages", "http_response_status_code": "202"}
    assert web.value("http_server_request_duration_seconds_count", **route) == 1
    for gauge, count in (
        ("runs", 0),
        ("conversations", 1),
        ("questions", 0),
        ("approvals", 0),
        ("sessions", 1),
    ):
        assert web.value(f"mcpsecurity_chat_{gauge}") == count, gauge


async def test_what_waits_for_a_person_is_counted_while_it_does(local: LocalStack, tmp_path: Path) -> None:
    ports = free_port(), free_port()
    more = {"MCP_SERVER_METRICS_PORT": str(ports[0]), "WEBCLIENT_METRICS_PORT": str(ports[1])}
    async with (
        running_services(local, tmp_path, MCP_SERVER_APPROVAL="required", **more) as services,
        services.person() as person,
        person.page() as page,
    ):
        call = await person.ask(page, ASK)
        web = await scraped(ports[1])
        assert web.value("mcpsecurity_chat_approvals") == web.value("mcpsecurity_chat_runs") == 1
        assert web.value("mcpsecurity_chat_pages") == 1
        await person.decide(call)
        asked = (await page.until("elicitation.requested"))["elicitation"]
        server, web = await scraped(ports[0]), await scraped(ports[1])
        assert web.value("mcpsecurity_chat_questions") == web.value("mcpsecurity_chat_runs") == 1
        for gauge in ("questions", "requests"):
            assert server.value(f"mcpsecurity_server_{gauge}") == 1, gauge
        assert server.value("mcpsecurity_server_streams") >= 1
        answer = f"elicitations/{asked['elicitation_id']}"
        assert (await person.command(answer, action="decline"))[0] == 202
        await page.until("run.done")
        answer = [data["message"] for name, data in page.seen if name == "message.done"][-1]
        for feedback in ("up", "up", "down", None):  # marked again as it was, it is not counted again
            marked = f"messages/{answer['message_id']}/feedback"
            assert (await person.command(marked, feedback=feedback))[0] == 202
        server, web = await scraped(ports[0]), await scraped(ports[1])
        for feedback in ("up", "down"):
            assert web.value("mcpsecurity_chat_feedback_total", mcpsecurity_feedback=feedback) == 1
    assert server.value("mcpsecurity_tool_calls_total", **TOOL, mcpsecurity_outcome="declined") == 1
    assert server.value("mcpsecurity_server_questions") == 0


async def test_the_port_serves_metrics_and_nothing_else_and_labels_are_bounded(tmp_path: Path) -> None:
    port = free_port()
    async with running_server(tmp_path, MCP_SERVER_METRICS_PORT=str(port), OTEL_SERVICE_NAME="one") as caller:
        for number in range(5):
            await caller.call(tool=f"made up {number}")
        await caller.call()
        async with aiohttp.ClientSession() as http:
            for path in ("/", "/mcp", "/health", "/ready", "/metrics/x"):
                async with http.get(f"http://127.0.0.1:{port}{path}") as response:
                    assert response.status == 404, path
            async with http.get(f"http://127.0.0.1:{caller.port}/metrics") as response:
                assert response.status == 404
        scrape = await scraped(port)
    assert not [label for label in scrape.labels() if "made up" in label]
    failed = {"mcp_method_name": "tools/call", "error_type": "-32602"}
    assert scrape.value("mcp_server_operation_duration_seconds_count", **failed) == 5
    assert scrape.value("mcpsecurity_tool_calls_total") == 1
    assert scrape.value("target_info", service_name="one") == 1


async def test_calls_beyond_the_limit_are_denials(tmp_path: Path) -> None:
    port = free_port()
    limits = {"MCP_SERVER_METRICS_PORT": str(port), "MCP_SERVER_CALLS_PER_MINUTE": "1"}
    async with running_server(tmp_path, **limits) as caller:
        await caller.call()
        with pytest.raises(aiohttp.ContentTypeError):
            await caller.call()
        scrape = await scraped(port)
    assert scrape.value("mcpsecurity_requests_denied_total", mcpsecurity_reason="rate_limited") == 1


async def test_each_worker_has_a_port_of_its_own(tmp_path: Path) -> None:
    port = two_free_ports()
    async with redis_server() as redis:
        more = {
            "MCP_SERVER_METRICS_PORT": str(port),
            "MCPSECURITY_REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            "MCPSECURITY_KEYS": Fernet.generate_key().decode(),
        }
        async with running_server(tmp_path, "--workers=2", **more) as caller:
            scrapes = [await until_scraped(port), await until_scraped(port + 1)]
            for _ in range(10):
                await caller.call()
            scrapes = [await scraped(port), await scraped(port + 1)]
    assert sum(scrape.value("mcpsecurity_tool_calls_total") for scrape in scrapes) == 10


def two_free_ports() -> int:
    """Return a port that is free, as is the next; not of those that the system deals out meanwhile."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        try:
            with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
                return port
        except OSError:
            continue


async def until_scraped(port: int) -> Scrape:
    scrape: Scrape = await eventually(
        lambda: scraped(port), seconds=60, in_spite_of=(aiohttp.ClientConnectionError,)
    )
    return scrape


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcpsecurity", "server", "--no-auth"),
        env={**environ, "MCP_SERVER_PORT": str(free_port()), "MCP_SERVER_METRICS_PORT": str(port)},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, told = await process.communicate()
    taken.close()
    assert process.returncode == 2
    assert f"MCP_SERVER_METRICS_PORT: cannot listen on 127.0.0.1:{port}" in told.decode()
