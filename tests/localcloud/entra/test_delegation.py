"""On-behalf-of, device code, client assertions and Graph: what each of them refuses."""

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.clients import ASSERTION_TYPE

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import Browser, RelyingParty

GRAPH_ID = "00000003-0000-0000-c000-000000000000"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


async def _on_behalf_of(
    party: "RelyingParty", called_with: str, **changed: str | None
) -> tuple[int, dict[str, Any]]:
    values: dict[str, str | None] = {
        "grant_type": JWT_BEARER,
        "client_id": party.cloud.api_client_id,
        "client_secret": party.cloud.api_client_secret,
        "assertion": called_with,
        "requested_token_use": "on_behalf_of",
        "scope": "User.Read",
        **changed,
    }
    return await party.token(**values)


async def test_an_api_acts_for_the_person_it_was_called_by(party: "RelyingParty", cloud: LocalCloud) -> None:
    status, answer = await _on_behalf_of(
        party, cloud.access_token("bob@contoso.example"), scope="openid profile offline_access User.Read"
    )

    assert status == 200
    claims = await party.claims(answer["access_token"], GRAPH_ID)
    assert (claims["azp"], claims["scp"]) == (cloud.api_client_id, "User.Read")
    assert claims["preferred_username"] == "bob@contoso.example"
    status, refreshed = await party.token(
        grant_type="refresh_token",
        refresh_token=answer["refresh_token"],
        client_id=cloud.api_client_id,
        client_secret=cloud.api_client_secret,
    )
    assert (status, refreshed["scope"]) == (200, "User.Read")


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "another"}, 500131),
        ({"exp": 1}, 500133),
        ({"nbf": 4_000_000_000}, 500133),
        ({"scp": None}, 7000114),
        ({"oid": "nobody"}, 7000114),
        ({"iss": "https://evil.example"}, 50013),
        ({"exp": None}, 50013),
        ({"exp": "tomorrow"}, 50013),
    ],
)
async def test_an_assertion_that_is_no_token_for_the_api_is_refused(
    party: "RelyingParty", cloud: LocalCloud, claims: dict[str, Any], code: int
) -> None:
    _, answer = await _on_behalf_of(party, cloud.access_token(**claims))

    assert answer["error_codes"] == [code]


async def test_an_assertion_must_be_signed_by_the_tenant(party: "RelyingParty", cloud: LocalCloud) -> None:
    token = cloud.access_token()
    head, payload, signature = token.split(".")

    for forged in ("", "no token", f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload}."):
        _, answer = await _on_behalf_of(party, forged)
        assert answer["error_codes"] in ([50013], [900144])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"requested_token_use": "other"}, 9002313),
        ({"requested_token_use": None}, 900144),
        ({"scope": None}, 900144),
        ({"assertion": None}, 900144),
        ({"scope": "User.Read https://cognitiveservices.azure.com/.default"}, 28000),
        ({"client_id": "10ca1c10-0d00-4000-8000-0000000000b2", "client_secret": None}, 7000219),
    ],
)
async def test_a_wrong_request_on_behalf_of_is_refused(
    party: "RelyingParty", cloud: LocalCloud, changed: dict[str, str | None], code: int
) -> None:
    _, answer = await _on_behalf_of(party, cloud.access_token(), **changed)

    assert answer["error_codes"] == [code]


async def _device_flow(party: "RelyingParty", **changed: str) -> tuple[int, dict[str, Any]]:
    form = {"client_id": party.cloud.public_client_id, "scope": f"openid {party.cloud.scope}"} | changed
    url = f"{party.cloud.authority}/{party.cloud.tenant_id}/oauth2/v2.0/devicecode"
    async with party.http.post(url, data=form) as response:
        return response.status, await response.json()


async def _poll(party: "RelyingParty", flow: dict[str, Any], **changed: str) -> tuple[int, dict[str, Any]]:
    values = {"client_id": party.cloud.public_client_id, "device_code": flow["device_code"]} | changed
    return await party.token(grant_type=DEVICE_CODE, client_secret=None, **values)


async def test_a_device_waits_until_a_person_has_confirmed_it(
    party: "RelyingParty", browser: "Browser", cloud: LocalCloud
) -> None:
    _, flow = await _device_flow(party)
    assert flow["verification_uri"] == f"{browser.base}/deviceauth"
    assert flow["user_code"] in flow["message"]
    _, pending = await _poll(party, flow)

    await browser.open("deviceauth", {"user_code": flow["user_code"]})
    assert f'value="{flow["user_code"]}"' in browser.page
    await browser.post("deviceauth", user_code=f" {flow['user_code'].lower()} ")
    await browser.submit(user="alice@contoso.example")
    assert "Accept only if you trust this application" in browser.page
    await browser.submit(decision="accept")

    assert "You are signed in" in browser.page
    status, answer = await _poll(party, flow)
    _, again = await _poll(party, flow)
    assert (pending["error"], pending["error_codes"]) == ("authorization_pending", [70016])
    assert status == 200
    await party.claims(answer["access_token"], cloud.api_client_id)
    assert (again["error"], again["error_codes"]) == ("bad_verification_code", [70018])


async def test_a_device_is_told_that_it_was_declined(party: "RelyingParty", browser: "Browser") -> None:
    _, flow = await _device_flow(party)
    await browser.post("deviceauth", user_code=flow["user_code"])
    await browser.submit(user="alice@contoso.example")

    await browser.submit(decision="cancel")

    assert "You declined" in browser.page
    assert (await _poll(party, flow))[1]["error"] == "authorization_declined"


async def test_a_device_code_expires(party: "RelyingParty", browser: "Browser", cloud: LocalCloud) -> None:
    _, flow = await _device_flow(party)
    cloud.tenant.faults.clock_skew = 901

    await browser.post("deviceauth", user_code=flow["user_code"])

    assert browser.status == 400
    assert "That code didn’t work" in browser.page
    assert (await _poll(party, flow))[1]["error_codes"] == [70020]


async def test_a_device_code_belongs_to_its_client(party: "RelyingParty", cloud: LocalCloud) -> None:
    _, flow = await _device_flow(party)

    _, answer = await party.token(grant_type=DEVICE_CODE, device_code=flow["device_code"])

    assert answer["error_codes"] == [70018]


async def test_a_code_that_nobody_has_is_refused(browser: "Browser") -> None:
    await browser.post("deviceauth", user_code='"><script>')

    assert browser.status == 400
    assert 'role="alert"' in browser.page
    assert "<script>" not in browser.page


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"client_id": "unknown"}, 700016), ({"scope": ""}, 900144), ({"client_id": ""}, 900144)],
)
async def test_a_wrong_device_request_is_refused(
    party: "RelyingParty", changed: dict[str, str], code: int
) -> None:
    status, answer = await _device_flow(party, **changed)

    assert (status, answer["error_codes"]) == (400, [code])


class Signer:
    """A client's key with a self-signed certificate."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )

    def assertion(self, cloud: LocalCloud, key: rsa.RSAPrivateKey | None = None, **changed: Any) -> str:
        now = time.time()
        claims = {
            "aud": f"{cloud.authority}/{cloud.tenant_id}/oauth2/v2.0/token",
            "iss": cloud.daemon_client_id,
            "sub": cloud.daemon_client_id,
            "nbf": now,
            "exp": now + 600,
        } | changed
        thumbprint = jwt.utils.base64url_encode(self.certificate.fingerprint(hashes.SHA256())).decode()
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key or self.key, "PS256", headers={"x5t#S256": thumbprint})


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


async def _by_assertion(party: "RelyingParty", assertion: str, **changed: str | None) -> tuple[int, Any]:
    values: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "scope": f"api://{party.cloud.api_client_id}/.default",
        "client_id": None,
        "client_secret": None,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **changed,
    }
    status, answer = await party.token(**values)
    return status, answer.get("error_codes")


async def test_an_assertion_alone_identifies_the_client(
    party: "RelyingParty", cloud: LocalCloud, signer: Signer
) -> None:
    for certificate in (Signer().certificate, signer.certificate):
        pem = certificate.public_bytes(Encoding.PEM)
        cloud.tenant.directory.add_certificate(cloud.daemon_client_id, pem)

    assert await _by_assertion(party, signer.assertion(cloud)) == (200, None)
    assert await _by_assertion(party, signer.assertion(cloud, aud=cloud.issuer)) == (200, None)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://other.example/token"}, 700023),
        ({"aud": None}, 700023),
        ({"aud": ["a"]}, 700023),
        ({"iss": "another"}, 700021),
        ({"exp": time.time() - 301}, 700024),
        ({"exp": None}, 700024),
        ({"exp": "tomorrow"}, 700024),
        ({"nbf": 4_000_000_000}, 700024),
        ({"sub": "another"}, 700016),
    ],
)
async def test_an_assertion_is_checked_claim_by_claim(
    party: "RelyingParty", cloud: LocalCloud, signer: Signer, claims: dict[str, Any], code: int
) -> None:
    pem = signer.certificate.public_bytes(Encoding.PEM)
    cloud.tenant.directory.add_certificate(cloud.daemon_client_id, pem)

    _, codes = await _by_assertion(party, signer.assertion(cloud, **claims))

    assert codes == [code]


async def test_an_assertion_needs_the_registered_key(
    party: "RelyingParty", cloud: LocalCloud, signer: Signer
) -> None:
    unregistered = await _by_assertion(party, signer.assertion(cloud))
    pem = signer.certificate.public_bytes(Encoding.PEM)
    cloud.tenant.directory.add_certificate(cloud.daemon_client_id, pem)
    forged = await _by_assertion(party, signer.assertion(cloud, key=cloud.tenant.keys.current.private_key))
    nonsense = await _by_assertion(party, "no assertion", client_id=cloud.daemon_client_id)
    untyped = await _by_assertion(party, signer.assertion(cloud), client_assertion_type=None)
    nobody = await _by_assertion(party, "no assertion")

    assert unregistered == forged == nonsense == (401, [700027])
    assert untyped == nobody == (400, [900144])


async def test_a_certificate_that_has_expired_signs_nothing(
    party: "RelyingParty", cloud: LocalCloud, signer: Signer
) -> None:
    pem = signer.certificate.public_bytes(Encoding.PEM)
    cloud.tenant.directory.add_certificate(cloud.daemon_client_id, pem)
    cloud.tenant.faults.clock_skew = 2 * 86400
    later = time.time() + 2 * 86400

    answer = await _by_assertion(party, signer.assertion(cloud, nbf=later, exp=later + 600))

    assert answer == (401, [700027])


async def _me(party: "RelyingParty", authorization: str | None) -> tuple[int, str]:
    headers = {"Authorization": authorization} if authorization else {}
    async with party.http.get(f"{party.cloud.graph_url}/v1.0/me", headers=headers) as response:
        body = await response.json()
    if response.status == 200:
        return 200, body["displayName"]
    assert set(body["error"]["innerError"]) == {"date", "request-id", "client-request-id"}
    return response.status, body["error"]["code"]


async def test_graph_knows_its_callers(party: "RelyingParty", cloud: LocalCloud) -> None:
    token = cloud.access_token("guest@fabrikam.example", aud=GRAPH_ID, scp="User.Read")

    assert await _me(party, f"Bearer {token}") == (200, "Gina Guest")


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({}, (401, "InvalidAuthenticationToken")),
        ({"aud": GRAPH_ID, "scp": "User.Read", "exp": 1}, (401, "InvalidAuthenticationToken")),
        ({"aud": GRAPH_ID, "scp": "profile"}, (403, "Authorization_RequestDenied")),
        ({"aud": GRAPH_ID, "scp": "User.Read", "oid": "nobody"}, (403, "Authorization_RequestDenied")),
        ({"aud": GRAPH_ID, "scp": None}, (400, "BadRequest")),
    ],
)
async def test_graph_refuses_other_tokens(
    party: "RelyingParty", cloud: LocalCloud, claims: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert await _me(party, f"Bearer {cloud.access_token(**claims)}") == expected


@pytest.mark.parametrize("authorization", [None, "Basic abc", "Bearer", "Bearer a.b.c"])
async def test_graph_needs_a_token(party: "RelyingParty", authorization: str | None) -> None:
    assert await _me(party, authorization) == (401, "InvalidAuthenticationToken")
