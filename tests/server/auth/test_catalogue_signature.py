"""The catalogue of token cases, 7 to 21: form, algorithm, keys and signature."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any

import jwt
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.oidc.tenant import (
    API_CLIENT_ID,
    OTHER_TENANT_ID,
    ControlledTenant,
    MovableClock,
    jwk,
    rsa_key,
    sign,
)
from tests.server.protected import ProtectedServer


class AttackersKeyServer:
    """Serves a key that verifies the attacker's tokens, and records who asks."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self.server = TestServer(app, host="127.0.0.1")

    async def _serve(self, request: web.Request) -> web.Response:
        self.requests.append(request.path)
        return web.json_response({"keys": [jwk("attacker")]})


@pytest.fixture
async def attacker() -> AsyncIterator[AttackersKeyServer]:
    attacker = AttackersKeyServer()
    await attacker.server.start_server()
    yield attacker
    await attacker.server.close()


def segment(value: object) -> str:
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    return f"{segment(header)}.{segment(claims)}.{segment(signature)}"


async def test_case_07_not_a_jwt(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    header, payload, signature = tenant.access_token().split(".")
    for token in (
        "opaque",
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}.x.y",
        f"{header}.{payload}.",
        f"{header}A.{payload}.{signature}",
        f"{segment(b'not json')}.{payload}.{signature}",
        f"{segment([1])}.{payload}.{signature}",
        f"{header}.{segment(b'not json')}.{signature}",
        "...",
    ):
        protected.assert_invalid_token(await protected.call(token))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, 5])
async def test_case_08_algorithm_none(
    protected: ProtectedServer, tenant: ControlledTenant, algorithm: object
) -> None:
    token = forged({"alg": algorithm, "typ": "JWT", "kid": "key-1"}, tenant.access_claims())
    protected.assert_invalid_token(await protected.call(token))


async def test_case_09_hs256_keyed_with_the_public_key(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    public_key = rsa_key("key-1").public_key()
    pem = public_key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    start = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': 'key-1'})}.{segment(tenant.access_claims())}"
    signature = hmac.digest(pem, start.encode(), hashlib.sha256)
    protected.assert_invalid_token(await protected.call(f"{start}.{segment(signature)}"))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
async def test_case_10_rsa_algorithm_outside_the_allowlist(
    protected: ProtectedServer, tenant: ControlledTenant, algorithm: str
) -> None:
    token = sign(tenant.access_claims(), algorithm=algorithm)
    protected.assert_invalid_token(await protected.call(token))


async def test_case_10_es256(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    token = jwt.encode(tenant.access_claims(), key, algorithm="ES256", headers={"kid": "key-1"})
    protected.assert_invalid_token(await protected.call(token))


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c"])
@pytest.mark.parametrize("kid", ["key-1", "attacker"])
async def test_case_11_key_or_its_address_in_the_header(
    protected: ProtectedServer, tenant: ControlledTenant, attacker: AttackersKeyServer, name: str, kid: str
) -> None:
    address = str(attacker.server.make_url("/keys"))
    value: Any = {"jwk": jwk("attacker"), "jku": address, "x5u": address, "x5c": ["MIIB"]}[name]
    token = sign(tenant.access_claims(), key="attacker", kid=kid, **{name: value})
    protected.assert_invalid_token(await protected.call(token))
    assert attacker.requests == [], "never fetched"


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": "b64"},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
    ],
)
async def test_case_12_unknown_crit_or_unencoded_payload(
    protected: ProtectedServer, tenant: ControlledTenant, header: dict[str, Any]
) -> None:
    start = f"{segment({'alg': 'RS256', 'kid': 'key-1'} | header)}.{segment(tenant.access_claims())}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(
        start.encode(), rsa_key("key-1")
    )
    protected.assert_invalid_token(await protected.call(f"{start}.{segment(signature)}"))


@pytest.mark.parametrize("kid", [None, 7, ["key-1"], "", "k" * 10_000])
async def test_case_13_kid_missing_not_a_string_or_huge(
    protected: ProtectedServer, tenant: ControlledTenant, kid: object
) -> None:
    header = {"alg": "RS256", "typ": "JWT"} | ({} if kid is None else {"kid": kid})
    start = f"{segment(header)}.{segment(tenant.access_claims())}"
    protected.assert_invalid_token(await protected.call(f"{start}.{segment(b'x' * 256)}"))


async def test_case_14_unknown_kid_causes_exactly_one_refresh(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    await protected.session(tenant.access_token())
    before = tenant.key_requests
    for _ in range(3):
        token = sign(tenant.access_claims(), key="attacker")
        protected.assert_invalid_token(await protected.call(token))
    assert tenant.key_requests == before + 1


async def test_case_15_a_hundred_unknown_kids_cause_at_most_one_fetch(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    await protected.session(tenant.access_token())
    before = tenant.key_requests
    claims = tenant.access_claims()
    for number in range(100):
        token = sign(claims, key="attacker", kid=f"unknown-{number}")
        protected.assert_invalid_token(await protected.call(token))
    assert tenant.key_requests <= before + 1
    assert (await protected.call(tenant.access_token())).status == 200


async def test_case_16_right_kid_wrong_key(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    token = sign(tenant.access_claims(), key="attacker", kid="key-1")
    protected.assert_invalid_token(await protected.call(token))


async def test_case_17_payload_tampered_signature_kept(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    good = tenant.access_token()
    await protected.session(good)
    header, _, signature = good.split(".")
    payload = segment(tenant.access_claims(oid="oid-of-bob"))
    protected.assert_invalid_token(await protected.call(f"{header}.{payload}.{signature}"))


async def test_case_18_signed_by_a_rotated_out_key(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    old = tenant.access_token()
    tenant.keys = [jwk("key-2")]
    assert (await protected.call(sign(tenant.access_claims(), key="key-2"))).status == 200
    protected.assert_invalid_token(await protected.call(old))


@pytest.mark.parametrize("change", [{"use": "enc"}, {"kty": "EC"}, {"kty": "oct"}, {"alg": "RS512"}])
async def test_case_19_published_key_that_is_not_for_rs256_signatures(
    protected: ProtectedServer, tenant: ControlledTenant, change: dict[str, str]
) -> None:
    tenant.keys = [jwk("key-1"), jwk("key-2", **change)]
    token = sign(tenant.access_claims(), key="key-2")
    protected.assert_invalid_token(await protected.call(token))


async def test_case_20_keys_down_known_kid(
    protected: ProtectedServer, tenant: ControlledTenant, clock: MovableClock
) -> None:
    assert (await protected.call(tenant.access_token())).status == 200
    tenant.down = True
    clock.offset = 20 * 3600
    later = tenant.access_claims(exp=int(clock.wall()) + 3600)
    assert (await protected.call(sign(later))).status == 200
    clock.offset = 25 * 3600
    later = tenant.access_claims(exp=int(clock.wall()) + 3600)
    assert (await protected.call(sign(later))).status == 503, "held keys are too old"


async def test_case_21_keys_down_cold(tenant: ControlledTenant, clock: MovableClock) -> None:
    tenant.down = True
    async with ProtectedServer(tenant, clock) as protected:
        answer = await protected.call(tenant.access_token())
        assert answer.status == 503
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.challenge is None
        tenant.down = False
        clock.offset += 60
        assert (await protected.call(tenant.access_token())).status == 200


async def test_case_51_a_key_of_the_application_alone_is_believed_if_it_is_set_so(
    protected: ProtectedServer, tenant: ControlledTenant, clock: MovableClock
) -> None:
    tenant.app_keys = {API_CLIENT_ID: [jwk("key-of-the-api")], OTHER_TENANT_ID: [jwk("key-of-another")]}
    token = sign(tenant.access_claims(), key="key-of-the-api")
    protected.assert_invalid_token(await protected.call(token))
    async with ProtectedServer(tenant, clock, own_signing_keys=True) as trusting:
        assert (await trusting.call(token)).status == 200
        assert (await trusting.call(tenant.access_token())).status == 200, "the tenant's keys stay good"
        other = sign(tenant.access_claims(), key="key-of-another")
        trusting.assert_invalid_token(await trusting.call(other))
