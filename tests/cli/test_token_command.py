"""`mcpsecurity token` against a running local cloud."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import jwt
import pytest
from aiohttp import web
from click.testing import CliRunner
from tests.support.ambient import write_dotenv
from tests.support.served import on_loopback

from mcpsecurity.cli.token import token
from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.localcloud.certificates import ensure_certificates

_CLEAN = {key: value for key, value in os.environ.items() if not key.startswith("LOCALCLOUD_")}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[LocalCloud]:
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=tmp_path)) as running:
        yield running


async def _token(folder: Path, port: int, *arguments: str) -> tuple[int, str, str]:
    """Run the command; return its exit code and what it wrote to stdout and stderr."""
    environment = {"LOCALCLOUD_FOLDER": str(folder), "LOCALCLOUD_HTTPS_PORT": str(port)}
    ended = await asyncio.to_thread(CliRunner().invoke, token, arguments, env=environment)
    return ended.exit_code, ended.stdout, ended.stderr


def _claims(cloud: LocalCloud, output: str) -> dict[str, object]:
    """Return the claims of the token that was printed, its signature and audience checked."""
    key = cloud.tenant.keys.current.private_key.public_key()
    claims: dict[str, object] = jwt.decode(
        output.removesuffix("\n"),
        key,
        algorithms=["RS256"],
        audience=cloud.api_client_id,
        issuer=cloud.issuer,
    )
    return claims


def _port(cloud: LocalCloud) -> int:
    return urlsplit(cloud.authority).port or 0


@pytest.mark.parametrize("name", ["bob@contoso.example", "bob"])
async def test_a_persons_token_is_printed_and_nothing_else(
    cloud: LocalCloud, tmp_path: Path, name: str
) -> None:
    code, output, errors = await _token(tmp_path, _port(cloud), "--user", name)

    assert (code, errors) == (0, "")
    claims = _claims(cloud, output)
    assert (claims["preferred_username"], claims["scp"]) == ("bob@contoso.example", "mcp:tools")
    assert claims["azp"] == cloud.public_client_id


async def test_a_daemons_token_is_app_only(cloud: LocalCloud, tmp_path: Path) -> None:
    code, output, _ = await _token(tmp_path, _port(cloud), "--daemon")

    assert code == 0
    claims = _claims(cloud, output)
    assert (claims["idtyp"], claims["azp"]) == ("app", cloud.daemon_client_id)
    assert "scp" not in claims


@pytest.mark.parametrize(("arguments", "subject"), [((), "3 13"), (("--user", "alice"), None)])
async def test_an_agents_token_is_of_its_own_account_or_acts_for_a_person(
    cloud: LocalCloud, tmp_path: Path, arguments: tuple[str, ...], subject: str | None
) -> None:
    code, output, _ = await _token(tmp_path, _port(cloud), "--agent", *arguments)

    assert code == 0
    claims = _claims(cloud, output)
    assert (claims["azp"], claims["xms_par_app_azp"]) == (cloud.agent_client_id, cloud.agent_parent_id)
    assert "11" in str(claims["xms_act_fct"]).split()
    assert claims.get("xms_sub_fct") == subject
    assert (claims["idtyp"], claims["scp"]) == ("user", "mcp:tools")


async def test_the_offset_counts_from_the_default_port(cloud: LocalCloud, tmp_path: Path) -> None:
    offset = str(_port(cloud) - 7443)

    code, output, _ = await _token(tmp_path, 1, "--daemon", "--port-offset", offset)

    assert code == 0
    assert _claims(cloud, output)["azp"] == cloud.daemon_client_id


@pytest.mark.parametrize("name", ["mallory@contoso.example", "mallory"])
async def test_a_person_whom_the_tenant_does_not_know_is_told_who_there_is(
    cloud: LocalCloud, tmp_path: Path, name: str
) -> None:
    code, output, errors = await _token(tmp_path, _port(cloud), "--user", name)

    assert (code, output) == (1, "")
    assert "nobody of this name: write one of alice@contoso.example, bob@contoso.example" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("arguments", [(), ("--daemon", "--user", "alice")])
async def test_it_wants_either_a_person_or_the_daemon(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code, _, errors = await _token(tmp_path, 1, *arguments)

    assert code == 2
    assert "Say either --user NAME, --agent, both of them, or --daemon." in errors


async def test_without_a_local_cloud_it_says_what_to_start(tmp_path: Path) -> None:
    await asyncio.to_thread(ensure_certificates, tmp_path)
    for folder in (tmp_path, tmp_path / "never used"):
        code, output, errors = await _token(folder, 1, "--daemon")

        assert (code, output) == (1, "")
        assert "no local cloud answers at https://localhost:1: start one by `mcpsecurity demo`" in errors
        assert "Traceback" not in errors


async def test_another_folders_local_cloud_is_not_trusted(cloud: LocalCloud, tmp_path: Path) -> None:
    other = tmp_path / "other"
    await asyncio.to_thread(ensure_certificates, other)

    code, output, errors = await _token(other, _port(cloud), "--user", "alice")

    assert (code, output) == (1, "")
    assert f"is not the local cloud whose keys are in {other}" in errors


@pytest.mark.parametrize("arguments", [("--user", "alice"), ("--daemon",)])
async def test_a_service_that_is_no_tenant_is_said_to_be_none(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    certificates = await asyncio.to_thread(ensure_certificates, tmp_path)
    async with on_loopback(web.Application(), tls=certificates.server_context()) as url:
        code, output, errors = await _token(tmp_path, int(url.rpartition(":")[2]), *arguments)

    assert (code, output) == (1, "")
    assert "does not answer as a tenant" in errors
    assert "Traceback" not in errors


async def test_the_command_line_has_it_in_a_deployments_folder_too(cloud: LocalCloud, tmp_path: Path) -> None:
    write_dotenv(tmp_path)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mcpsecurity", "token", "--daemon"),
        env=_CLEAN | {"LOCALCLOUD_FOLDER": str(tmp_path), "LOCALCLOUD_HTTPS_PORT": str(_port(cloud))},
        stdout=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    async with asyncio.timeout(90):
        output, _ = await process.communicate()

    assert process.returncode == 0
    assert _claims(cloud, output.decode())["idtyp"] == "app"
