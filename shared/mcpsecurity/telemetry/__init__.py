"""Traces and metrics by OpenTelemetry, if the environment or a setting asks for them; else nothing is loaded.

OpenTelemetry's own environment variables ask for them, and so does a port for Prometheus:

- OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT and …_METRICS_ENDPOINT: where to send to,
  by OTLP over HTTP;
- OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER: `otlp`, `console` or `none`;
- OTEL_SDK_DISABLED=true overrides both.

The SDK itself reads its other variables, such as OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES,
OTEL_TRACES_SAMPLER and OTEL_EXPORTER_OTLP_HEADERS (OpenTelemetry specification, Environment Variable
Specification).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mcpsecurity.runtime.request_context import correlation_fields
from mcpsecurity.settings import MetricsPort, Settings, SettingsError, configure_logging

if TYPE_CHECKING:
    from mcpsecurity.telemetry.running import Telemetry

__all__ = ["Exporters", "instrumented", "read_exporters", "start_telemetry"]

Exporter = Literal["otlp", "console"]
Signal = Literal["TRACES", "METRICS"]

_EXPORTERS: tuple[Exporter, ...] = ("otlp", "console")
_ENDPOINT, _PROTOCOL = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL"


@dataclass(frozen=True, slots=True)
class Exporters:
    """The exporters that the environment asks for, by signal."""

    traces: tuple[Exporter, ...] = ()
    metrics: tuple[Exporter, ...] = ()


def read_exporters(environment: Mapping[str, str]) -> Exporters:
    """Return the exporters that OpenTelemetry's variables ask for. An empty value counts as none.

    Raises:
        SettingsError: an exporter or a protocol that is not offered.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Exporters()
    return Exporters(_exporters(environment, "TRACES"), _exporters(environment, "METRICS"))


def start_telemetry(
    service: str, environment: Mapping[str, str], *, scraped: bool = False
) -> "Telemetry | None":
    """Set up the SDK for this process if it is asked for; the caller closes it. None if it is not.

    `service` is its name unless the environment gives one. `scraped` asks for metrics that Prometheus reads.

    Raises:
        SettingsError: the environment names an exporter that is not offered, or a package is missing.
    """
    asked = read_exporters(environment)
    if asked == Exporters() and not scraped:
        return None
    try:
        from mcpsecurity.telemetry.running import Telemetry  # noqa: PLC0415 - optional packages
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(("opentelemetry", "prometheus_client")):
            raise
        text = "OTEL_*: this needs further packages: pip install 'mcpsecurity[telemetry]'"
        raise SettingsError(text) from error
    return Telemetry(service, asked, scraped=scraped)


@contextmanager
def instrumented(service: str, settings: Settings, port: MetricsPort | None) -> "Iterator[Telemetry | None]":
    """Set up logging and telemetry by the settings and the environment; end telemetry after the block.

    Raises:
        SettingsError: see `start_telemetry`.
    """
    telemetry = start_telemetry(service, os.environ, scraped=port is not None)
    traced = [telemetry.log_fields] if telemetry is not None else []
    configure_logging(settings.log_level, settings.log_format, [correlation_fields, *traced])
    try:
        yield telemetry
    finally:
        if telemetry is not None:
            telemetry.close()


def _exporters(environment: Mapping[str, str], signal: Signal) -> tuple[Exporter, ...]:
    key = f"OTEL_{signal}_EXPORTER"
    names = environment.get(key, "").replace(",", " ").split()
    if not names:
        names = (
            ["otlp"] if environment.get(_ENDPOINT) or environment.get(_specific(_ENDPOINT, signal)) else []
        )
    found = tuple(known for known in _EXPORTERS if known in names)
    if unknown := set(names) - {*_EXPORTERS, "none"}:
        raise SettingsError(f"{key}: {', '.join(sorted(unknown))} is not offered; otlp, console or none is")
    if "otlp" in found:
        _check_protocol(environment, signal)
    return found


def _check_protocol(environment: Mapping[str, str], signal: Signal) -> None:
    for key in (_specific(_PROTOCOL, signal), _PROTOCOL):
        protocol = environment.get(key)
        if protocol and protocol != "http/protobuf":
            raise SettingsError(f"{key}: only http/protobuf is offered")
        if protocol:
            return


def _specific(key: str, signal: Signal) -> str:
    return key.replace("_OTLP_", f"_OTLP_{signal}_")
