"""With MCPSECURITY_LOG_FORMAT=json every line of a running service is an object."""

import json
from pathlib import Path

from tests.telemetry.services import PROMPT, json_lines, running_services

from mcpsecurity.testing import LocalStack


async def test_every_line_of_both_services_is_an_object_and_says_which_request_it_belongs_to(
    local: LocalStack, tmp_path: Path
) -> None:
    async with running_services(local, tmp_path, MCPSECURITY_LOG_FORMAT="json") as services:
        await services.chat()
    server, web = json_lines(services.server_log), json_lines(services.web_log)
    for line in server + web:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert line["time"].endswith("+00:00")
    (call,) = [line for line in server if line["message"] == "tool_call"]
    assert (call["logger"], call["level"]) == ("mcpsecurity.audit", "INFO")
    assert (call["tool"], call["outcome"]) == ("get_random_number", "ok")
    assert call["correlation_id"].count("-") == 1
    assert any(line["message"].startswith("webclient listens on") for line in web)
    assert PROMPT not in json.dumps(server + web)


async def test_a_failure_in_a_run_is_one_line_with_the_id_of_the_command(
    local: LocalStack, tmp_path: Path
) -> None:
    async with running_services(
        local,
        tmp_path,
        MCPSECURITY_LOG_FORMAT="json",
        OTEL_TRACES_EXPORTER="console",
        AZURE_OPENAI_API_KEY="wrong",
    ) as services:
        ended = await services.ask_in_vain()
        assert ended["status"] == "failed"
    (line,) = [line for line in json_lines(services.web_log) if line["message"].startswith("run failed")]
    assert line["level"] == "WARNING"
    assert (len(line["trace_id"]), len(line["span_id"])) == (32, 16)
    assert line["correlation_id"].count("-") == 1
