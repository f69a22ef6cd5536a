"""MSAL itself goes through every flow against the tenant, over real https."""

import asyncio
import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msal  # type: ignore[import-untyped]  # there are no stubs
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.errors import Sts

REDIRECT = "http://localhost:5001/signin-oidc"
Result = dict[str, Any]


@pytest.fixture
def transport(cloud: LocalCloud) -> Iterator[requests.Session]:
    """The HTTP session for MSAL: it trusts the cloud's authority; the environment does not matter."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(cloud.ca_file)
        yield session


async def _run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """MSAL blocks, so it runs in a thread."""
    async with asyncio.timeout(30):
        return await asyncio.to_thread(function, *args, **kwargs)


async def _confidential(
    cloud: LocalCloud, transport: requests.Session, client_id: str, credential: Any
) -> msal.ConfidentialClientApplication:
    return await _run(
        msal.ConfidentialClientApplication,
        client_id,
        client_credential=credential,
        authority=f"{cloud.authority}/{cloud.tenant_id}",
        instance_discovery=False,
        http_client=transport,
    )


@pytest.fixture
async def web(cloud: LocalCloud, transport: requests.Session) -> msal.ConfidentialClientApplication:
    return await _confidential(cloud, transport, cloud.web_client_id, cloud.web_client_secret)


@pytest.fixture
async def public(cloud: LocalCloud, transport: requests.Session) -> msal.PublicClientApplication:
    return await _run(
        msal.PublicClientApplication,
        cloud.public_client_id,
        authority=f"{cloud.authority}/{cloud.tenant_id}",
        instance_discovery=False,
        http_client=transport,
    )


async def _posted(http: aiohttp.ClientSession, auth_uri: str) -> dict[str, str]:
    """Return what the page that answers `auth_uri` posts to the client."""
    async with http.get(auth_uri) as response:
        page = await response.text()
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {name: html.unescape(value) for name, value in fields}


async def _sign_in(
    app: msal.ClientApplication, http: aiohttp.ClientSession, scopes: list[str], redirect: str = REDIRECT
) -> Result:
    """Go through the code flow as alice, without a page."""
    flow = await _run(
        app.initiate_auth_code_flow,
        scopes,
        redirect_uri=redirect,
        prompt="none",
        login_hint="alice@contoso.example",
        response_mode="form_post",
    )
    answer = await _posted(http, flow["auth_uri"])
    result: Result = await _run(app.acquire_token_by_auth_code_flow, flow, answer)
    return result


async def test_a_confidential_client_signs_a_person_in(
    web: msal.ConfidentialClientApplication, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    result = await _sign_in(web, http, [cloud.scope])

    assert "error" not in result, result
    assert result["id_token_claims"]["preferred_username"] == "alice@contoso.example"
    assert result["id_token_claims"]["aud"] == cloud.web_client_id
    [account] = web.get_accounts()
    assert account["username"] == "alice@contoso.example"
    assert account["home_account_id"] == f"{result['id_token_claims']['oid']}.{cloud.tenant_id}"


async def test_a_cached_token_is_used_and_a_refresh_gets_another(
    web: msal.ConfidentialClientApplication, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    first = await _sign_in(web, http, [cloud.scope])
    [account] = web.get_accounts()

    cached = await _run(web.acquire_token_silent, [cloud.scope], account)
    fresh = await _run(web.acquire_token_silent, [cloud.scope], account, force_refresh=True)

    assert cached["access_token"] == first["access_token"]
    assert cached["token_source"] == "cache"
    assert fresh["access_token"] != first["access_token"]
    assert fresh["token_source"] == "identity_provider"


async def test_a_refresh_token_serves_another_api_of_the_tenant(
    web: msal.ConfidentialClientApplication, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    await _sign_in(web, http, [cloud.scope])

    graph = await _run(web.acquire_token_silent, ["User.Read"], web.get_accounts()[0])

    async with http.get(
        f"{cloud.graph_url}/v1.0/me", headers={"Authorization": f"Bearer {graph['access_token']}"}
    ) as response:
        profile = await response.json()
    assert (response.status, profile["displayName"]) == (200, "Alice Adams")


async def test_a_revoked_refresh_token_ends_silent_sign_in(
    web: msal.ConfidentialClientApplication, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    await _sign_in(web, http, [cloud.scope])
    [account] = web.get_accounts()
    cloud.tenant.revoke_refresh_tokens("alice@contoso.example")

    result = await _run(web.acquire_token_silent_with_error, [cloud.scope], account, force_refresh=True)

    assert result["error"] == "invalid_grant"
    assert result["error_codes"] == [50173]


async def test_a_claims_challenge_reaches_the_client_and_the_next_sign_in_satisfies_it(
    web: msal.ConfidentialClientApplication, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    challenge = json.dumps({"access_token": {"acrs": {"essential": True, "value": "c1"}}})
    await _sign_in(web, http, [cloud.scope])
    [account] = web.get_accounts()
    cloud.tenant.faults.refuse(Sts.MFA_REQUIRED, grant_type="refresh_token", claims=challenge)

    refused = await _run(web.acquire_token_silent_with_error, [cloud.scope], account, force_refresh=True)
    flow = await _run(
        web.initiate_auth_code_flow,
        [cloud.scope],
        redirect_uri=REDIRECT,
        prompt="none",
        login_hint="alice@contoso.example",
        claims_challenge=refused["claims"],
        response_mode="form_post",
    )
    answer = await _posted(http, flow["auth_uri"])
    result = await _run(web.acquire_token_by_auth_code_flow, flow, answer)

    assert refused["error"] == "interaction_required"
    claims = cloud.tenant.tokens.read(result["access_token"])
    assert claims is not None
    assert claims["acrs"] == ["c1"]


async def test_a_public_client_signs_a_person_in_on_any_loopback_port(
    public: msal.PublicClientApplication, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    result = await _sign_in(public, http, [cloud.scope], redirect="http://localhost:49152")

    assert "error" not in result, result
    claims = cloud.tenant.tokens.read(result["access_token"])
    assert claims is not None
    assert (claims["azp"], claims["azpacr"]) == (cloud.public_client_id, "0")


async def test_a_daemon_gets_an_app_only_token(transport: requests.Session, cloud: LocalCloud) -> None:
    daemon = await _confidential(cloud, transport, cloud.daemon_client_id, cloud.daemon_client_secret)

    result = await _run(daemon.acquire_token_for_client, [f"api://{cloud.api_client_id}/.default"])

    claims = cloud.tenant.tokens.read(result["access_token"])
    assert claims is not None
    assert (claims["idtyp"], claims["azpacr"]) == ("app", "1")


async def test_a_wrong_secret_is_told_apart(transport: requests.Session, cloud: LocalCloud) -> None:
    daemon = await _confidential(cloud, transport, cloud.daemon_client_id, "wrong")

    result = await _run(daemon.acquire_token_for_client, [f"api://{cloud.api_client_id}/.default"])

    assert (result["error"], result["error_codes"]) == ("invalid_client", [7000215])


async def test_the_api_gets_a_graph_token_on_behalf_of_its_caller(
    transport: requests.Session, http: aiohttp.ClientSession, cloud: LocalCloud
) -> None:
    api = await _confidential(cloud, transport, cloud.api_client_id, cloud.api_client_secret)

    result = await _run(
        api.acquire_token_on_behalf_of, cloud.access_token("bob@contoso.example"), ["User.Read"]
    )

    async with http.get(
        f"{cloud.graph_url}/v1.0/me", headers={"Authorization": f"Bearer {result['access_token']}"}
    ) as response:
        profile = await response.json()
    assert (response.status, profile["userPrincipalName"]) == (200, "bob@contoso.example")


async def test_on_behalf_of_without_consent_says_so(transport: requests.Session, cloud: LocalCloud) -> None:
    api = await _confidential(cloud, transport, cloud.api_client_id, cloud.api_client_secret)
    cloud.tenant.faults.consent_required = True

    result = await _run(api.acquire_token_on_behalf_of, cloud.access_token(), ["User.Read"])

    assert (result["error"], result["suberror"]) == ("invalid_grant", "consent_required")
    assert result["error_codes"] == [65001]


async def test_a_device_signs_in_once_a_person_has_entered_its_code(
    public: msal.PublicClientApplication, cloud: LocalCloud
) -> None:
    cloud.tenant.device_poll_interval = 1
    flow = await _run(public.initiate_device_flow, [cloud.scope])
    pending = await _run(public.acquire_token_by_device_flow, flow, exit_condition=lambda _flow: True)

    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar()) as browser:
        page = await _post(browser, flow["verification_uri"], user_code=flow["user_code"])
        login = flow["verification_uri"].replace("deviceauth", "login")
        page = await _post(browser, login, flow=_flow_of(page), user="alice@contoso.example")
        await _post(browser, login.replace("login", "consent"), flow=_flow_of(page), decision="accept")
    result = await _run(public.acquire_token_by_device_flow, flow, exit_condition=lambda _flow: True)

    assert pending["error"] == "authorization_pending"
    assert result["id_token_claims"]["preferred_username"] == "alice@contoso.example"


async def _post(browser: aiohttp.ClientSession, url: str, **form: str) -> str:
    async with browser.post(url, data=form) as response:
        text = await response.text()
        assert response.status == 200, text
        return text


def _flow_of(page: str) -> str:
    found = re.search(r'name="flow" value="([^"]+)"', page)
    assert found, page
    return found[1]


def _certificate() -> tuple[str, str]:
    """A self-signed certificate and its key (PEM)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "web client")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), certificate.public_bytes(pem).decode()


@pytest.mark.parametrize("thumbprint", ["x5t", "x5t#S256"])
async def test_a_client_authenticates_by_certificate(
    transport: requests.Session, http: aiohttp.ClientSession, cloud: LocalCloud, thumbprint: str
) -> None:
    private_key, certificate = await asyncio.to_thread(_certificate)
    cloud.tenant.directory.add_certificate(cloud.web_client_id, certificate.encode())
    credential = {"private_key": private_key, "public_certificate": certificate}
    if thumbprint == "x5t":
        sha1 = x509.load_pem_x509_certificate(certificate.encode()).fingerprint(hashes.SHA1())  # noqa: S303 - RFC 7515 names it
        credential["thumbprint"] = sha1.hex()
    app = await _confidential(cloud, transport, cloud.web_client_id, credential)

    result = await _sign_in(app, http, [cloud.scope])

    assert "error" not in result, result
    claims = cloud.tenant.tokens.read(result["access_token"])
    assert claims is not None
    assert claims["azpacr"] == "2"


async def test_a_certificate_that_is_not_registered_is_refused(
    transport: requests.Session, cloud: LocalCloud
) -> None:
    private_key, certificate = await asyncio.to_thread(_certificate)
    credential = {"private_key": private_key, "public_certificate": certificate}
    app = await _confidential(cloud, transport, cloud.daemon_client_id, credential)

    result = await _run(app.acquire_token_for_client, [f"api://{cloud.api_client_id}/.default"])

    assert (result["error"], result["error_codes"]) == ("invalid_client", [700027])
