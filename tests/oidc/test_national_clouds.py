"""Sovereign clouds of Microsoft: another authority, other issuers, and no crossing over.

Their hosts are played by this machine: names resolve to the tenant under test, whose certificate names them.
"""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from tests.oidc.tenant import TENANT_ID, ControlledTenant, client_context, sign
from yarl import URL

from mcpsecurity.oidc import OidcProvider, ProviderError, Reason, TokenError

GLOBAL = "https://login.microsoftonline.com"
GOVERNMENT = "https://login.microsoftonline.us"
CHINA = "https://login.partner.microsoftonline.cn"
GLOBAL_STS, CHINA_STS = "https://sts.windows.net", "https://sts.chinacloudapi.cn"

EXTERNAL, OWN_DOMAIN = "https://contoso.ciamlogin.com", "https://login.contoso.com"
EXTERNAL_ISSUER = f"https://{TENANT_ID}.ciamlogin.com/{TENANT_ID}/v2.0"

Open = Callable[..., AbstractAsyncContextManager[OidcProvider]]


class _EverythingIsHere(AbstractResolver):
    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - aiohttp's signature
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def open_provider(tenant: ControlledTenant) -> Open:
    port = URL(tenant.authority).port or 0

    @asynccontextmanager
    async def open_at(authority: str, issuer: str | None = None) -> AsyncIterator[OidcProvider]:
        connector = aiohttp.TCPConnector(
            ssl=client_context(tenant.ca_file), resolver=_EverythingIsHere(port), use_dns_cache=False
        )
        configured = issuer if authority == OWN_DOMAIN else None
        tenant.discovery_changes = {
            "issuer": issuer or f"{authority}/{TENANT_ID}/v2.0",
            "jwks_uri": f"{authority}/{TENANT_ID}/discovery/v2.0/keys",
        }
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            OidcProvider(session, authority, TENANT_ID, issuer=configured) as provider,
        ):
            yield provider

    return open_at


@pytest.mark.parametrize("cloud", [GLOBAL, GOVERNMENT, CHINA])
async def test_a_cloud_believes_its_own_issuer_and_no_other_clouds(
    open_provider: Open, tenant: ControlledTenant, cloud: str
) -> None:
    async with open_provider(cloud) as provider:
        for issuer in (GLOBAL, GOVERNMENT, CHINA):
            token = await provider.verify(sign(tenant.access_claims(iss=f"{issuer}/{TENANT_ID}/v2.0")))
            if issuer == cloud:
                assert provider.check_issuer(token) == TENANT_ID
                continue
            with pytest.raises(TokenError) as caught:
                provider.check_issuer(token)
            assert caught.value.reason is Reason.ISSUER


@pytest.mark.parametrize(
    ("cloud", "own", "other"),
    [
        (GLOBAL, GLOBAL_STS, CHINA_STS),
        (GOVERNMENT, GLOBAL_STS, CHINA_STS),
        (CHINA, CHINA_STS, GLOBAL_STS),
    ],
)
async def test_version_one_tokens_come_from_the_clouds_token_service(
    open_provider: Open, tenant: ControlledTenant, cloud: str, own: str, other: str
) -> None:
    async with open_provider(cloud) as provider:
        good = await provider.verify(sign(tenant.access_claims(ver="1.0", iss=f"{own}/{TENANT_ID}/")))
        assert provider.check_v1_issuer(good) == TENANT_ID
        bad = await provider.verify(sign(tenant.access_claims(ver="1.0", iss=f"{other}/{TENANT_ID}/")))
        with pytest.raises(TokenError) as caught:
            provider.check_v1_issuer(bad)
        assert caught.value.reason is Reason.ISSUER


@pytest.mark.parametrize("authority", [EXTERNAL, OWN_DOMAIN])
async def test_an_external_id_tenant_has_its_id_in_the_issuers_host(
    open_provider: Open, tenant: ControlledTenant, authority: str
) -> None:
    async with open_provider(authority, EXTERNAL_ISSUER) as provider:
        good = await provider.verify(sign(tenant.access_claims(iss=EXTERNAL_ISSUER)))
        assert provider.check_issuer(good) == TENANT_ID
        for other in (f"{authority}/{TENANT_ID}/v2.0", f"{GLOBAL}/{TENANT_ID}/v2.0", EXTERNAL_ISSUER + "/"):
            token = await provider.verify(sign(tenant.access_claims(iss=other)))
            with pytest.raises(TokenError):
                provider.check_issuer(token)


async def test_a_domain_of_ones_own_needs_the_issuer_to_be_set(
    open_provider: Open, tenant: ControlledTenant
) -> None:
    async with open_provider(GLOBAL, EXTERNAL_ISSUER) as provider:
        with pytest.raises(ProviderError):
            await provider.verify(sign(tenant.access_claims()))
