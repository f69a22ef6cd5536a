"""The local tenant and the official conformance suite's scenarios for authorization servers.

The suite prints the address of the sign-in; this test is the person who opens it.

What of it does not apply to an Entra ID tenant, and why:

- a sign-in without `scope`: optional in OAuth 2.1, section 4.1.1, and refused by Entra (AADSTS900144). The
  suite sends none, so the person adds it to the address. What comes after is the suite's own.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.conformance.programs import run_program, start_program
from tests.localcloud.entra.test_client_documents import Publisher, publisher  # noqa: F401 - a fixture
from tests.support.ports import free_port
from yarl import URL

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.runtime.tls import client_ssl_context

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(120)]

Check = dict[str, Any]

EXPECTED = {
    "authorization-server-metadata": "SUCCESS",
    "authorization-code-grant": "SUCCESS",
    "authorization-server-metadata-cimd": "SUCCESS",
}


@pytest.fixture
async def browser(cloud: LocalCloud) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=client_ssl_context(cloud.ca_file))
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        yield session


async def _conform(
    cloud: LocalCloud, browser: aiohttp.ClientSession, results: Path, *client: str, **added: str
) -> dict[str, Check]:
    """Run the suite as `client`, signing in with `added` in the address; return its checks by id."""
    port = free_port()
    arguments = ("--url", cloud.issuer, "--port", str(port), "--output-dir", str(results), *client)
    process = await start_program(
        "conformance", "authorization", *arguments, NODE_EXTRA_CA_CERTS=str(cloud.ca_file)
    )
    try:
        async with asyncio.timeout(60):
            await _sign_in(process, browser, **added)
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    checks = await asyncio.to_thread(_read, results)
    assert checks, (output + errors).decode()
    return checks


async def _sign_in(process: asyncio.subprocess.Process, browser: aiohttp.ClientSession, **added: str) -> None:
    """Wait for the address that the suite prints, and open it."""
    assert process.stdout is not None
    async for line in process.stdout:
        text = line.decode().strip()
        if text.startswith("http") and "code_challenge=" in text:
            await _open(browser, URL(text).update_query(added))
            return


async def _open(browser: aiohttp.ClientSession, address: URL) -> None:
    """Follow the redirects to the suite, which may not listen yet when it prints the address."""
    while True:
        try:
            async with browser.get(address) as response:
                assert response.status == 200
            return
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.05)


def _read(results: Path) -> dict[str, Check]:
    files = sorted(results.rglob("checks.json"))
    return {check["id"]: check for file in files for check in json.loads(file.read_text())}


def _status(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check["status"] for name, check in checks.items()}


def _person(cloud: LocalCloud) -> dict[str, str]:
    return {"scope": f"openid {cloud.scope}", "prompt": "none", "login_hint": "alice@contoso.example"}


async def test_a_public_client_signs_in_for_the_mcp_server(
    cloud: LocalCloud, url: str, browser: aiohttp.ClientSession, tmp_path: Path
) -> None:
    client = ("--client-id", cloud.public_client_id, "--resource", url)
    checks = await _conform(cloud, browser, tmp_path, *client, **_person(cloud))
    assert _status(checks) == EXPECTED


async def test_a_confidential_client_signs_in_with_its_secret(
    cloud: LocalCloud, url: str, browser: aiohttp.ClientSession, tmp_path: Path
) -> None:
    clients = cloud.tenant.directory.clients
    registered = clients[cloud.web_client_id]
    clients[cloud.web_client_id] = replace(registered, any_loopback_redirect=True)
    client = ("--client-id", cloud.web_client_id, "--client-secret", cloud.web_client_secret)
    try:
        checks = await _conform(cloud, browser, tmp_path, *client, "--resource", url, **_person(cloud))
    finally:
        clients[cloud.web_client_id] = registered
    assert _status(checks) == EXPECTED


async def test_a_client_that_only_its_metadata_document_describes_signs_in(
    cloud: LocalCloud,
    url: str,
    browser: aiohttp.ClientSession,
    tmp_path: Path,
    publisher: Publisher,  # noqa: F811 - the fixture
) -> None:
    client = ("--client-id", publisher.url, "--resource", url)
    checks = await _conform(cloud, browser, tmp_path, *client, **_person(cloud))
    assert _status(checks) == EXPECTED
    assert publisher.asked == 1


@pytest.mark.parametrize(
    ("resource", "added", "code"),
    [("/other", {}, "AADSTS9010010"), ("", {"scope": ""}, "AADSTS900144")],
    ids=["a resource that does not own the scopes", "no scope"],
)
async def test_what_entra_refuses_is_an_error_that_the_suite_sees(
    cloud: LocalCloud,
    url: str,
    browser: aiohttp.ClientSession,
    tmp_path: Path,
    resource: str,
    added: dict[str, str],
    code: str,
) -> None:
    client = ("--client-id", cloud.public_client_id, "--resource", url + resource)
    checks = await _conform(cloud, browser, tmp_path, *client, **_person(cloud) | added)
    assert _status(checks) == EXPECTED | {"authorization-code-grant": "FAILURE"}
    assert code in checks["authorization-code-grant"]["errorMessage"]


async def test_the_suite_has_no_other_scenario_for_authorization_servers() -> None:
    listed = await run_program("conformance", "list", "--authorization", seconds=20)
    scenarios = re.findall(r"^  - ([\w-]+) ", listed.output, re.MULTILINE)
    assert scenarios == ["authorization-server-metadata-endpoint", "authorization-code-grant"]
