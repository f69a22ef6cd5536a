"""OpenTelemetry's own variables turn it on, and say when something is asked for that is not offered."""

import asyncio
import signal
import socket
import sys
from os import environ

import pytest
from tests.support.ports import free_port

from mcpsecurity.settings import SettingsError
from mcpsecurity.telemetry import Exporters, read_exporters, start_telemetry

HERE = "http://localhost:4318"


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({}, Exporters()),
        ({"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "always_on"}, Exporters()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, Exporters()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, Exporters(("otlp",), ("otlp",))),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": HERE}, Exporters(("otlp",), ())),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": HERE}, Exporters((), ("otlp",))),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_METRICS_EXPORTER": "none"}, Exporters(("otlp",), ())),
        ({"OTEL_TRACES_EXPORTER": "otlp,console"}, Exporters(("otlp", "console"), ())),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_SDK_DISABLED": "True"}, Exporters()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
         Exporters(("otlp",), ("otlp",))),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
          "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, Exporters(("otlp",), ())),
    ],
)  # fmt: skip
def test_what_the_variables_ask_for(variables: dict[str, str], found: Exporters) -> None:
    assert read_exporters(variables) == found


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: zipkin is not offered"),
        ({"OTEL_METRICS_EXPORTER": "otlp,prometheus"}, "OTEL_METRICS_EXPORTER: prometheus is not offered"),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: only http/protobuf",
        ),
    ],
)
def test_an_exporter_that_is_not_offered_is_named(variables: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read_exporters(variables)


def test_who_asks_for_nothing_gets_nothing() -> None:
    assert start_telemetry("x", {"OTEL_SERVICE_NAME": "x"}) is None


async def test_a_missing_package_is_told_with_how_to_get_it() -> None:
    """As a service that is installed without the extra would find it."""
    program = "import sys; sys.modules['opentelemetry.sdk'] = None; from mcpsecurity.cli import main; main()"
    code, told = await _ended(program, OTEL_EXPORTER_OTLP_ENDPOINT=HERE)
    assert code == 2
    assert "pip install 'mcpsecurity[telemetry]'" in told


async def test_a_collector_that_takes_connections_and_never_answers_does_not_hold_up_a_stop() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = free_port()
        process = await _begun(
            "from mcpsecurity.cli import main; main()",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}",
            MCP_SERVER_PORT=str(port),
        )
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b"listens on" not in await process.stderr.readline():
                pass
            process.send_signal(signal.SIGTERM)
            await process.communicate()
    assert process.returncode == 0


async def _begun(program: str, **variables: str) -> asyncio.subprocess.Process:
    clean = {key: value for key, value in environ.items() if not key.startswith("OTEL_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "server", "--no-auth"),
        env={**clean, "MCP_SERVER_PORT": str(free_port()), **variables},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )


async def _ended(program: str, **variables: str) -> tuple[int | None, str]:
    process = await _begun(program, **variables)
    async with asyncio.timeout(30):
        _, told = await process.communicate()
    return process.returncode, told.decode()
