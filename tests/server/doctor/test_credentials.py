"""The doctor and the credentials of web client and server: each fault is found, and the setting named."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.oidc.tenant import rsa_key
from tests.server.doctor.doctoring import find, settings_of
from tests.server.protected import ProtectedServer

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.errors import Sts
from mcpsecurity_server.doctor import Status, examine
from mcpsecurity_server.doctor.cli import doctor
from mcpsecurity_server.doctor.findings import as_json, as_table

NOWHERE = "http://localhost:1/mcp"


def _certificate(
    file: Path, *, days: int = 300, signer: str = "signer", key: rsa.RSAPrivateKey | None = None
) -> bytes:
    """Write a private key and a certificate to `file`; return the certificate (PEM)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a client")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, rsa_key(signer).public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .sign(rsa_key(signer), hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private = (key or rsa_key(signer)).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate)
    return certificate


@pytest.mark.parametrize(
    ("check", "keys"),
    [
        ("client", ("web_certificate_file", "WEBCLIENT_CERTIFICATE_FILE")),
        ("server", ("api_certificate_file", "MCP_SERVER_CLIENT_CERTIFICATE_FILE")),
    ],
)
async def test_a_certificate_is_tried_and_found_to_be_good_unknown_old_or_no_pair(
    healthy_cloud: LocalCloud, tmp_path: Path, check: str, keys: tuple[str, str]
) -> None:
    field, setting = keys
    file = tmp_path / "client.pem"
    certificate = _certificate(file)
    settings = settings_of(healthy_cloud, NOWHERE, **{field: file})

    unknown = await find(f"{check} certificate", settings)
    client = healthy_cloud.web_client_id if check == "client" else healthy_cloud.api_client_id
    healthy_cloud.tenant.directory.add_certificate(client, certificate)
    good = await find(f"{check} certificate", settings)
    _certificate(file, days=-1)
    expired = await find(f"{check} certificate", settings)
    _certificate(file, key=rsa_key("another"))
    mixed = await find(f"{check} certificate", settings)
    file.unlink()
    missing = await find(f"{check} certificate", settings)

    assert good.status is Status.OK
    for finding, words in (
        (unknown, "AADSTS700027"),
        (expired, "has expired"),
        (mixed, "cannot be used"),
        (missing, "No such file"),
    ):
        assert (finding.status, finding.setting) == (Status.FAILED, setting), finding
        assert words in finding.message


async def test_a_certificate_that_soon_expires_is_a_warning(
    healthy_cloud: LocalCloud, tmp_path: Path
) -> None:
    certificate = _certificate(tmp_path / "client.pem", days=10)
    healthy_cloud.tenant.directory.add_certificate(healthy_cloud.web_client_id, certificate)
    settings = settings_of(healthy_cloud, NOWHERE, web_certificate_file=tmp_path / "client.pem")
    found = [f for f in await examine(settings) if f.check == "client certificate"]
    assert [f.status for f in found] == [Status.WARNING, Status.OK]
    assert "expires on" in found[0].message


@pytest.mark.parametrize(
    ("changes", "code", "check", "setting"),
    [
        ({"api_client_secret": "wrong"}, None, "server secret", "MCP_SERVER_CLIENT_SECRET"),
        (
            {"api_client_id": "unknown", "api_client_secret": "x"},
            None,
            "server secret",
            "MCP_SERVER_CLIENT_ID",
        ),
        ({}, Sts.SECRET_EXPIRED, "client secret", "WEBCLIENT_CLIENT_SECRET"),
    ],
)
async def test_a_secret_that_the_tenant_refuses_is_found(
    healthy_cloud: LocalCloud, changes: dict[str, Any], code: Any, check: str, setting: str
) -> None:
    if code is not None:
        healthy_cloud.tenant.faults.refuse(code)
    found = await find(check, settings_of(healthy_cloud, NOWHERE, **changes))
    assert (found.status, found.setting) == (Status.FAILED, setting)


async def test_the_servers_own_secret_is_accepted(healthy_cloud: LocalCloud) -> None:
    settings = settings_of(healthy_cloud, NOWHERE, api_client_secret=healthy_cloud.api_client_secret)
    assert (await find("server secret", settings)).status is Status.OK


async def test_a_tenant_that_fails_just_then_is_no_verdict_on_the_secret(healthy_cloud: LocalCloud) -> None:
    healthy_cloud.tenant.faults.refuse(Sts.TEMPORARY)
    found = await find("client secret", settings_of(healthy_cloud, NOWHERE))
    assert found.status is Status.SKIPPED


def _environment(cloud: LocalCloud, url: str) -> dict[str, str]:
    return {
        "ENTRA_AUTHORITY": cloud.authority,
        "ENTRA_TENANT_ID": cloud.tenant_id,
        "MCPSECURITY_CA_FILE": str(cloud.ca_file),
        "MCP_SERVER_URL": url,
        "MCP_SERVER_CLIENT_ID": cloud.api_client_id,
        "MCP_SERVER_SCOPE": cloud.scope,
        "WEBCLIENT_CLIENT_ID": cloud.web_client_id,
        "WEBCLIENT_CLIENT_SECRET": cloud.web_client_secret,
        "AZURE_OPENAI_ENDPOINT": cloud.openai_endpoint,
        "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME": cloud.openai_deployment,
        "AZURE_OPENAI_API_KEY": cloud.openai_api_key,
    }


async def _command(environment: dict[str, str], *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, doctor, arguments, env=environment)


async def test_the_command_ends_with_0_when_nothing_failed_and_with_1_when_something_did(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    environment = _environment(healthy_cloud, cloud_server.settings.url)
    good = await _command(environment)
    bad = await _command(environment | {"WEBCLIENT_CLIENT_SECRET": "wrong"})

    assert good.exit_code == 0, good.output
    lines = [line.split()[:2] for line in good.output.splitlines() if not line.startswith(" ")]
    assert ["authority", "ok"] in lines
    assert ["entra", "warning"] in lines
    assert "failed" not in good.output
    assert bad.exit_code == 1
    assert "change: WEBCLIENT_CLIENT_SECRET" in bad.output


async def test_neither_table_nor_json_shows_a_secret(healthy_cloud: LocalCloud, tmp_path: Path) -> None:
    _certificate(tmp_path / "client.pem")
    secrets = {
        "web_client_secret": "hunter2-a",
        "api_client_secret": "hunter2-b",
        "azure_openai_api_key": "hunter2-c",
    }
    findings = await examine(
        settings_of(healthy_cloud, NOWHERE, **secrets, api_certificate_file=tmp_path / "client.pem")
    )
    for text in (as_table(findings), as_json(findings)):
        assert "hunter2" not in text
        assert "eyJ" not in text


async def test_the_command_line_has_it() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcpsecurity", "doctor", "--help"), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert "say what to change" in " ".join(output.decode().split())
