"""Fixtures: a tenant that does as it is told, a provider on it, and a clock that tests move."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.oidc.tenant import TENANT_ID, ControlledTenant, MovableClock, client_context

from mcpsecurity.oidc import CachePolicy, OidcProvider


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="session")
def tenant_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tenant")


@pytest.fixture
async def tenant(tenant_folder: Path) -> AsyncIterator[ControlledTenant]:
    async with ControlledTenant(tenant_folder) as tenant:
        yield tenant


@pytest.fixture
async def http(tenant: ControlledTenant) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=client_context(tenant.ca_file))
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
def policy() -> CachePolicy:
    return CachePolicy(refresh_after=3600, stale_after=86400, cool_down=30, retry_after=5)


@pytest.fixture
async def provider(
    tenant: ControlledTenant, http: aiohttp.ClientSession, clock: MovableClock, policy: CachePolicy
) -> AsyncIterator[OidcProvider]:
    async with OidcProvider(
        http, tenant.authority, TENANT_ID, clock=clock.wall, timer=clock.monotonic, policy=policy
    ) as provider:
        yield provider
