"""Whose users may call: one tenant's, or those of the tenants on a list, and of no other."""

from collections.abc import AsyncIterator

import orjson
import pytest
from tests.oidc.tenant import OTHER_TENANT_ID, TENANT_ID, ControlledTenant, MovableClock, jwk, sign
from tests.server.protected import ProtectedServer

THIRD_TENANT_ID = "77777777-2222-4333-8444-555555555555"


def _of(tenant: ControlledTenant, tenant_id: str) -> dict[str, str]:
    """The claims that say which tenant a user is from."""
    return {"tid": tenant_id, "iss": f"{tenant.authority}/{tenant_id}/v2.0"}


@pytest.fixture
async def several(tenant: ControlledTenant, clock: MovableClock) -> AsyncIterator[ProtectedServer]:
    async with ProtectedServer(tenant, clock, allowed_tenants=(OTHER_TENANT_ID.upper(),)) as protected:
        yield protected


@pytest.mark.parametrize("tenant_id", [TENANT_ID, OTHER_TENANT_ID])
async def test_users_of_the_home_tenant_and_of_listed_ones_may_call(
    several: ProtectedServer, tenant: ControlledTenant, tenant_id: str
) -> None:
    assert (await several.call(tenant.access_token(**_of(tenant, tenant_id)))).status == 200


async def test_users_of_any_other_tenant_may_not(several: ProtectedServer, tenant: ControlledTenant) -> None:
    for change in (
        _of(tenant, THIRD_TENANT_ID),
        {"tid": OTHER_TENANT_ID},
        {"iss": f"{tenant.authority}/{OTHER_TENANT_ID}/v2.0"},
        {"iss": f"{tenant.authority}/organizations/v2.0"},
        {"iss": f"{tenant.authority}/{{tenantid}}/v2.0"},
        {"tid": "{tenantid}", "iss": f"{tenant.authority}/{{tenantid}}/v2.0"},
        {"tid": None},
    ):
        several.assert_invalid_token(await several.call(tenant.access_token(**change)))


async def test_a_key_of_one_tenant_signs_for_no_other(
    several: ProtectedServer, tenant: ControlledTenant
) -> None:
    tenant.keys = [jwk("key-1", issuer=f"{tenant.authority}/{TENANT_ID}/v2.0")]
    assert (await several.call(tenant.access_token())).status == 200
    stolen = tenant.access_token(**_of(tenant, OTHER_TENANT_ID))
    several.assert_invalid_token(await several.call(stolen))


async def test_version_one_tokens_are_told_apart_by_tenant_too(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    settings = {"allowed_tenants": (OTHER_TENANT_ID,), "accept_v1_tokens": True}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        for tenant_id, allowed in ((OTHER_TENANT_ID, True), (THIRD_TENANT_ID, False)):
            claims = {"ver": "1.0", "tid": tenant_id, "iss": f"https://sts.windows.net/{tenant_id}/"}
            answer = await protected.call(tenant.access_token(**claims))
            if allowed:
                assert answer.status == 200
            else:
                protected.assert_invalid_token(answer)


async def test_the_same_object_id_in_another_tenant_is_another_person(
    several: ProtectedServer, tenant: ControlledTenant
) -> None:
    session = await several.session(tenant.access_token())
    token = tenant.access_token(**_of(tenant, OTHER_TENANT_ID))
    headers = {"Authorization": f"Bearer {token}", "Mcp-Session-Id": session}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 3, "method": "ping"})
    assert (await several.request("POST", "/mcp", headers, body)).status == 404


async def test_the_metadata_names_each_tenants_sign_in_and_no_template(
    several: ProtectedServer, tenant: ControlledTenant
) -> None:
    document = (await several.request("GET", "/.well-known/oauth-protected-resource/mcp")).json()
    assert document["authorization_servers"] == [
        f"{tenant.authority}/{TENANT_ID}/v2.0",
        f"{tenant.authority}/{OTHER_TENANT_ID}/v2.0",
    ]


async def test_a_multi_tenant_document_of_one_tenant_is_not_believed(
    several: ProtectedServer, tenant: ControlledTenant
) -> None:
    tenant.discovery_changes = {"issuer": tenant.issuer}
    async with ProtectedServer(tenant, MovableClock(), allowed_tenants=(OTHER_TENANT_ID,)) as protected:
        answer = await protected.call(sign(tenant.access_claims()))
    assert answer.status == 503
    assert answer.challenge is None


async def test_case_53_an_external_id_tenant_with_a_domain_of_its_own(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    issuer = f"https://{TENANT_ID}.ciamlogin.com/{TENANT_ID}/v2.0"
    tenant.discovery_changes = {"issuer": issuer}
    token = tenant.access_token(iss=issuer)
    async with ProtectedServer(tenant, clock) as protected:
        assert (await protected.call(token)).status == 503, "discovery names another issuer"
    async with ProtectedServer(tenant, clock, issuer=issuer) as protected:
        assert (await protected.call(token)).status == 200
        protected.assert_invalid_token(await protected.call(tenant.access_token()))
        document = (await protected.request("GET", "/.well-known/oauth-protected-resource/mcp")).json()
        assert document["authorization_servers"] == [issuer]
