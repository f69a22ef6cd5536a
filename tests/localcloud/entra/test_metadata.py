"""Discovery document and key set."""

from typing import Any

import aiohttp
import pytest

from mcpsecurity.localcloud import LocalCloud


async def _document(http: aiohttp.ClientSession, cloud: LocalCloud, tenant: str) -> dict[str, Any]:
    url = f"{cloud.authority}/{tenant}/v2.0/.well-known/openid-configuration"
    async with http.get(url) as response:
        assert response.content_type == "application/json"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        document: dict[str, Any] = await response.json()
        return document


async def test_a_browser_never_meets_the_development_certificate(
    http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    document = await _document(http, cloud, cloud.tenant_id)

    assert document["issuer"] == cloud.issuer
    for name in ("authorization_endpoint", "end_session_endpoint"):
        assert document[name].startswith(f"{cloud.http_url}/{cloud.tenant_id}/")
    for name in ("token_endpoint", "jwks_uri", "device_authorization_endpoint"):
        assert document[name].startswith(f"{cloud.authority}/{cloud.tenant_id}/")


@pytest.mark.parametrize("name", ["common", "organizations"])
async def test_the_multi_tenant_documents_have_an_issuer_template(
    http: aiohttp.ClientSession, cloud: LocalCloud, name: str
) -> None:
    document = await _document(http, cloud, name)

    assert document["issuer"] == f"{cloud.authority}/{{tenantid}}/v2.0"
    async with http.get(document["jwks_uri"]) as response:
        keys = (await response.json())["keys"]
    assert keys[0]["issuer"] == cloud.issuer


async def test_the_name_of_the_tenant_may_be_in_capitals(
    http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    assert (await _document(http, cloud, cloud.tenant_id.upper()))["issuer"] == cloud.issuer


async def test_an_unknown_tenant_is_refused(http: aiohttp.ClientSession, cloud: LocalCloud) -> None:
    url = f"{cloud.authority}/contoso.example/v2.0/.well-known/openid-configuration"

    async with http.get(url) as response:
        answer = await response.json()

    assert (response.status, answer["error_codes"]) == (400, [90002])


async def test_a_published_key_has_no_private_part(http: aiohttp.ClientSession, cloud: LocalCloud) -> None:
    async with http.get(f"{cloud.authority}/{cloud.tenant_id}/discovery/v2.0/keys") as response:
        [key] = (await response.json())["keys"]

    assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "issuer"}
    assert (key["kty"], key["use"], key["e"]) == ("RSA", "sig", "AQAB")


async def test_the_pages_listener_serves_pages_only(http: aiohttp.ClientSession, cloud: LocalCloud) -> None:
    async with http.get(f"{cloud.http_url}/{cloud.tenant_id}/discovery/v2.0/keys") as response:
        assert response.status == 404
    async with http.post(f"{cloud.http_url}/{cloud.tenant_id}/oauth2/v2.0/token") as response:
        assert response.status == 404
