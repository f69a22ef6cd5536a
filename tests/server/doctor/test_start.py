"""The doctor has the services check their settings as they do at their start, and names what they refuse."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mcpsecurity_server.doctor import Finding, Status
from mcpsecurity_server.doctor.cli import check_start, doctor
from mcpsecurity_server.doctor.settings import DoctorSettings

GUID = "10ca1c10-0d00-4000-8000-000000000001"
CERTIFICATE = "MCP_SERVER_CLIENT_CERTIFICATE_FILE"
TENANT = {"ENTRA_TENANT_ID": GUID}
SERVER = {**TENANT, "MCP_SERVER_CLIENT_ID": GUID}
CHAT = {
    **TENANT,
    "WEBCLIENT_CLIENT_ID": GUID,
    "WEBCLIENT_CLIENT_SECRET": "s",
    "OPENAI_API_KEY": "k",
    "OPENAI_CHAT_MODEL_ID": "m",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for key in {*SERVER, *CHAT, "WEBCLIENT_URL", "MCPSECURITY_CA_FILE", "AZURE_OPENAI_ENDPOINT"}:
        monkeypatch.delenv(key, raising=False)


def _found(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> list[Finding]:
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    return list(check_start(DoctorSettings()))


@pytest.mark.parametrize(
    ("environment", "services"),
    [
        (TENANT, ["The services would accept the settings of the tenant."]),
        (SERVER, ["The server would accept its settings."]),
        (CHAT, ["The web client would accept its settings."]),
        (
            {**SERVER, **CHAT},
            ["The server would accept its settings.", "The web client would accept its settings."],
        ),
    ],
    ids=["neither", "server", "web client", "both"],
)
def test_each_service_that_is_configured_is_checked(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], services: list[str]
) -> None:
    found = _found(monkeypatch, environment)
    assert [(finding.status, finding.message) for finding in found] == [
        (Status.OK, text) for text in services
    ]


@pytest.mark.parametrize(
    ("environment", "key", "reason"),
    [
        ({**TENANT, "ENTRA_AUTHORITY": "http://x"}, "ENTRA_AUTHORITY", "write it like https://login.microsoftonline.com"),
        ({**SERVER, "ENTRA_TENANT_ID": "x"}, "ENTRA_TENANT_ID", "write it like 11111111"),
        ({**SERVER, "MCP_SERVER_TOOL_ACRS": "{"}, "MCP_SERVER_TOOL_ACRS", "write JSON"),
        ({**SERVER, CERTIFICATE: "/no"}, CERTIFICATE, "name a PEM file"),
        ({**SERVER, "OTEL_TRACES_EXPORTER": "x"}, "OTEL_TRACES_EXPORTER", "otlp, console or none is"),
        ({**CHAT, "WEBCLIENT_URL": "chat.contoso.com"}, "WEBCLIENT_URL", "write it like https://chat.contoso.com"),
        ({**CHAT, "WEBCLIENT_CLIENT_SECRET": ""}, "WEBCLIENT_CLIENT_SECRET", "or ENTRA_CLIENT_IDENTITY"),
        ({**CHAT, "WEBCLIENT_CLIENT_SECRET": GUID}, "WEBCLIENT_CLIENT_SECRET", "write its value"),
        ({**SERVER, "MCP_SERVER_CLIENT_SECRET": GUID}, "MCP_SERVER_CLIENT_SECRET", "write its value"),
        ({**CHAT, "MCP_SERVER_SCOPE": "mcp:tools"}, "MCP_SERVER_SCOPE", "with its API, like api://CLIENT-ID/mcp:tools"),
        ({**CHAT, "WEBCLIENT_GRANTS": "chat"}, "WEBCLIENT_GRANTS", 'write JSON like ["arguments", "chat"]'),
        ({**CHAT, "WEBCLIENT_MAX_TOOLS": "500"}, "WEBCLIENT_MAX_TOOLS", "write 128 or less"),
        ({**CHAT, "WEBCLIENT_SYSTEM_PROMPT_FILE": "/no"}, "WEBCLIENT_SYSTEM_PROMPT_FILE", "UTF-8"),
        ({**CHAT, "OPENAI_CHAT_MODEL_ID": ""}, "OPENAI_CHAT_MODEL_ID", "the model's name is needed"),
        ({**CHAT, "ENTRA_CLIENT_IDENTITY": "workload"}, "AZURE_FEDERATED_TOKEN_FILE", "needs it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_stops_a_service_at_its_start_is_named_with_what_to_write_instead(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], key: str, reason: str
) -> None:
    (found,) = _found(monkeypatch, environment)
    assert (found.check, found.status, found.setting) == ("settings", Status.FAILED, key)
    assert reason in found.message


def test_a_service_whose_packages_are_missing_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    for module in ("mcpsecurity_webclient.cli", "mcpsecurity_webclient.settings"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    (found,) = _found(monkeypatch, CHAT)
    assert found.status is Status.SKIPPED
    assert "pip install 'mcpsecurity[webclient]'" in found.message


def test_settings_that_all_services_refuse_are_findings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCPSECURITY_CA_FILE", "/no.pem")
    outcome = CliRunner().invoke(doctor, ["--json"])
    (finding,) = json.loads(outcome.stdout)
    assert (outcome.exit_code, finding["setting"]) == (1, "MCPSECURITY_CA_FILE")
    assert "No such file or directory" in finding["message"]
