"""The programs, installed once for all tests here; the local tenant, and the whole server behind it."""

from collections.abc import AsyncIterator

import pytest
from tests.conformance.programs import install
from tests.support.ports import free_port

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.runtime.service import started_runner
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings


@pytest.fixture(scope="session", autouse=True)
def _installed() -> None:
    install()


@pytest.fixture(scope="session")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("cloud")
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=folder)) as cloud:
        yield cloud


@pytest.fixture(scope="session")
async def url(cloud: LocalCloud) -> AsyncIterator[str]:
    port = free_port()
    settings = ServerSettings(
        url=f"http://127.0.0.1:{port}/mcp",
        authority=cloud.authority,
        tenant_id=cloud.tenant_id,
        client_id=cloud.api_client_id,
        ca_file=cloud.ca_file,
    )
    cloud.register_mcp_url(settings.url)
    runner = await started_runner(create_app(settings), port=port)
    yield settings.url
    await runner.cleanup()
