"""The local cloud as a whole: start, stop, and what it tells about itself."""

import asyncio
import socket
import time
from pathlib import Path

import aiohttp
import pytest

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.localcloud.entra.ids import COGNITIVE_SERVICES_ID
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity.settings import SettingsError, load_settings


def _settings(folder: Path) -> LocalCloudSettings:
    return LocalCloudSettings(https_port=0, http_port=0, folder=folder)


async def test_it_starts_quickly_even_for_the_first_time(tmp_path: Path) -> None:
    began = time.perf_counter()
    async with LocalCloud(_settings(tmp_path)):
        first = time.perf_counter() - began

    assert first < 2, "makes keys"


async def test_it_tells_where_and_what_it_is(cloud: LocalCloud) -> None:
    assert cloud.authority.startswith("https://localhost:")
    assert cloud.http_url.startswith("http://localhost:")
    assert cloud.issuer == f"{cloud.authority}/{cloud.tenant_id}/v2.0"
    assert cloud.scope == f"api://{cloud.api_client_id}/mcp:tools"
    assert cloud.openai_endpoint == cloud.open_meteo_url == cloud.graph_url == cloud.authority
    assert cloud.openai_deployment
    assert cloud.openai_api_key
    assert cloud.users == ["alice@contoso.example", "bob@contoso.example", "guest@fabrikam.example"]


async def test_before_it_runs_it_has_nothing_to_tell(tmp_path: Path) -> None:
    cloud = LocalCloud(_settings(tmp_path))

    with pytest.raises(RuntimeError, match="not running"):
        _ = cloud.tenant
    with pytest.raises(RuntimeError, match="not running"):
        _ = cloud.ca_file


async def test_tokens_outlive_a_restart_because_the_key_is_kept(tmp_path: Path) -> None:
    async with LocalCloud(_settings(tmp_path)) as cloud:
        first = cloud.tenant.keys.current.kid
    async with LocalCloud(_settings(tmp_path)) as cloud:
        second = cloud.tenant.keys.current.kid

    assert first == second


async def test_a_port_that_is_taken_is_named_and_nothing_stays_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = LocalCloudSettings(https_port=0, http_port=port, folder=tmp_path)
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}: another program already uses this port"):
            async with LocalCloud(settings):
                pass


async def test_after_it_has_stopped_nothing_listens(tmp_path: Path) -> None:
    async with LocalCloud(_settings(tmp_path)) as cloud:
        port = int(cloud.authority.rsplit(":", 1)[1])

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_it_listens_on_loopback_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALCLOUD_HOST", "0.0.0.0")  # noqa: S104 - to see it refused

    with pytest.raises(SettingsError, match="LOCALCLOUD_HOST"):
        load_settings(LocalCloudSettings)


async def test_a_token_for_a_stranger_is_not_made(cloud: LocalCloud) -> None:
    with pytest.raises(LookupError, match=r"eve@contoso\.example"):
        cloud.access_token("eve@contoso.example")


async def test_its_certificate_is_refused_without_its_authority(cloud: LocalCloud) -> None:
    url = f"{cloud.issuer}/.well-known/openid-configuration"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=client_ssl_context(None))) as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.get(url)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:7443", 200),
        ("[::1]:7443", 200),
        ("LOCALHOST", 200),
        ("evil.example", 421),
        ("localhost.evil.example:7443", 421),
        ("10.0.0.1", 421),
    ],
)
async def test_a_name_that_was_rebound_to_loopback_is_refused(
    cloud: LocalCloud, http: aiohttp.ClientSession, host: str, status: int
) -> None:
    url = f"{cloud.issuer}/.well-known/openid-configuration"

    async with http.get(url, headers={"Host": host}) as response:
        assert response.status == status


async def test_the_model_takes_tokens_that_are_for_azure_openai(
    cloud: LocalCloud, http: aiohttp.ClientSession
) -> None:
    url = f"{cloud.openai_endpoint}/openai/deployments/{cloud.openai_deployment}/chat/completions"
    body = {"messages": [{"role": "user", "content": "hello"}]}

    async def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with http.post(f"{url}?api-version=2024-10-21", json=body, headers=headers) as response:
            return response.status

    assert await status(cloud.app_token(aud=COGNITIVE_SERVICES_ID)) == 200
    assert await status(cloud.app_token()) == 401
    assert await status(cloud.app_token(aud=COGNITIVE_SERVICES_ID, exp=1)) == 401
    assert await status("no token") == 401


async def test_everything_is_on_the_https_listener(cloud: LocalCloud, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{cloud.open_meteo_url}/v1/search", params={"name": "Zurich"}) as response:
        assert response.status == 200
    async with http.get(f"{cloud.http_url}/v1/search", params={"name": "Zurich"}) as response:
        assert response.status == 404
