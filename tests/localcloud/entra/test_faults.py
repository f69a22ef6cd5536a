"""The switches by which a test makes the tenant fail."""

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import jwt
import pytest

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.errors import Sts

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import Browser, RelyingParty


async def _kids(cloud: LocalCloud, http: aiohttp.ClientSession) -> list[str]:
    async with http.get(f"{cloud.authority}/{cloud.tenant_id}/discovery/v2.0/keys") as response:
        return [key["kid"] for key in (await response.json())["keys"]]


async def test_a_rotated_key_signs_while_the_one_before_stays_published(
    cloud: LocalCloud, http: aiohttp.ClientSession, party: "RelyingParty"
) -> None:
    old = cloud.access_token()
    [before] = await _kids(cloud, http)

    await cloud.tenant.rotate_keys()

    new = cloud.access_token()
    assert jwt.get_unverified_header(new)["kid"] != before
    assert set(await _kids(cloud, http)) == {before, jwt.get_unverified_header(new)["kid"]}
    for token in (old, new):
        await party.claims(token, cloud.api_client_id)


async def test_dropped_keys_leave_the_key_set(cloud: LocalCloud, http: aiohttp.ClientSession) -> None:
    await cloud.tenant.rotate_keys()

    cloud.tenant.drop_keys()
    one = await _kids(cloud, http)
    cloud.tenant.drop_keys(all_of_them=True)

    assert one == [cloud.tenant.keys.current.kid]
    assert await _kids(cloud, http) == []


@pytest.mark.parametrize(
    "path", ["v2.0/.well-known/openid-configuration", "discovery/v2.0/keys", "oauth2/v2.0/authorize"]
)
async def test_a_tenant_that_is_down_answers_503(
    cloud: LocalCloud, http: aiohttp.ClientSession, path: str
) -> None:
    cloud.tenant.faults.down = True

    async with http.get(f"{cloud.authority}/{cloud.tenant_id}/{path}") as response:
        assert response.status == 503


async def test_a_tenant_can_be_slow(cloud: LocalCloud, http: aiohttp.ClientSession) -> None:
    cloud.tenant.faults.delay = 30

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await _kids(cloud, http)


async def test_the_tenants_clock_can_be_wrong(cloud: LocalCloud, party: "RelyingParty") -> None:
    cloud.tenant.faults.clock_skew = -7200
    with pytest.raises(jwt.ExpiredSignatureError):
        await party.claims(cloud.access_token(), cloud.api_client_id)

    cloud.tenant.faults.clock_skew = 7200
    with pytest.raises(jwt.ImmatureSignatureError):
        await party.claims(cloud.access_token(), cloud.api_client_id)


async def test_refresh_tokens_can_be_revoked_for_one_person(cloud: LocalCloud, party: "RelyingParty") -> None:
    _, alice = await party.redeem(await party.code())
    _, bob = await party.redeem(await party.code(login_hint="bob@contoso.example"))

    cloud.tenant.revoke_refresh_tokens("alice@contoso.example")

    refused, body = await party.token(grant_type="refresh_token", refresh_token=alice["refresh_token"])
    allowed, _ = await party.token(grant_type="refresh_token", refresh_token=bob["refresh_token"])
    assert (refused, body["error_codes"], allowed) == (400, [50173], 200)


async def test_the_discovery_document_can_be_changed(cloud: LocalCloud, http: aiohttp.ClientSession) -> None:
    cloud.tenant.faults.metadata = {"issuer": "https://evil.example", "jwks_uri": None}

    async with http.get(f"{cloud.issuer}/.well-known/openid-configuration") as response:
        document = await response.json()

    assert document["issuer"] == "https://evil.example"
    assert "jwks_uri" not in document
    assert "token_endpoint" in document


async def test_all_faults_can_be_turned_off(cloud: LocalCloud, party: "RelyingParty") -> None:
    faults = cloud.tenant.faults
    faults.down, faults.delay, faults.clock_skew, faults.consent_required = True, 30, 7200, True
    faults.metadata = {"issuer": None}
    faults.refuse(Sts.TEMPORARY)

    faults.clear()

    status, _ = await party.redeem(await party.code())
    assert status == 200


async def test_consent_once_given_counts_for_the_tokens_that_follow(
    cloud: LocalCloud, party: "RelyingParty", browser: "Browser"
) -> None:
    _, tokens = await party.redeem(await party.code())
    cloud.tenant.faults.consent_required = True
    request = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}

    _, refused = await party.token(**request)
    await browser.open("authorize", party.parameters(prompt="login"))
    await browser.submit(user="alice@contoso.example")
    await browser.submit(decision="accept")
    status, _ = await party.token(**request)
    _, other_api = await party.token(**request, scope="User.Read")

    assert (refused["error_codes"], refused["suberror"]) == ([65001], "consent_required")
    assert status == 200
    assert other_api["error_codes"] == [65001]
