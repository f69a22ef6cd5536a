"""Signed tokens and ID tokens. The server's catalogue of access tokens is in tests/server."""

import time
from typing import Any

import aiohttp
import jwt
import pytest
from tests.oidc.tenant import (
    OTHER_TENANT_ID,
    TENANT_ID,
    WEB_CLIENT_ID,
    ControlledTenant,
    MovableClock,
    jwk,
    rsa_key,
    sign,
)

from mcpsecurity.oidc import OidcProvider, Reason, TokenError


async def _reason(provider: OidcProvider, raw: str, *, nonce: str = "the-nonce") -> Reason:
    with pytest.raises(TokenError) as caught:
        await provider.verify_id_token(raw, client_id=WEB_CLIENT_ID, nonce=nonce)
    return caught.value.reason


async def test_a_good_id_token_gives_its_claims(provider: OidcProvider, tenant: ControlledTenant) -> None:
    claims = await provider.verify_id_token(
        sign(tenant.id_claims()), client_id=WEB_CLIENT_ID, nonce="the-nonce"
    )
    assert claims["preferred_username"] == "alice@contoso.example"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iss": None}, Reason.CLAIMS),
        ({"iss": "https://login.microsoftonline.com/x/v2.0"}, Reason.ISSUER),
        ({"tid": OTHER_TENANT_ID}, Reason.TENANT),
        ({"tid": None}, Reason.CLAIMS),
        ({"oid": 5}, Reason.CLAIMS),
        ({"sub": ""}, Reason.CLAIMS),
        ({"aud": "another-client"}, Reason.AUDIENCE),
        ({"aud": [WEB_CLIENT_ID]}, Reason.AUDIENCE),
        ({"azp": "another-client"}, Reason.AUDIENCE),
        ({"exp": 1}, Reason.EXPIRED),
        ({"exp": True}, Reason.CLAIMS),
        ({"nbf": 4102444800}, Reason.NOT_YET_VALID),
        ({"iat": 4102444800}, Reason.NOT_YET_VALID),
        ({"nonce": "another"}, Reason.NONCE),
        ({"nonce": None}, Reason.CLAIMS),
    ],
)
async def test_an_id_token_with_a_wrong_claim_is_refused(
    provider: OidcProvider, tenant: ControlledTenant, change: dict[str, Any], reason: Reason
) -> None:
    assert await _reason(provider, sign(tenant.id_claims(**change))) is reason


async def test_a_token_signed_by_a_stranger_is_refused(
    provider: OidcProvider, tenant: ControlledTenant
) -> None:
    assert await _reason(provider, sign(tenant.id_claims(), key="stranger", kid="key-1")) is Reason.SIGNATURE


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"typ": "JWE"}, Reason.HEADER),
        ({"kid": "x" * 10_000}, Reason.HEADER),
        ({"crit": ["exp"], "exp": 1}, Reason.HEADER),
        ({"jku": "https://attacker.example/keys"}, Reason.HEADER),
    ],
)
async def test_a_header_with_demands_is_refused(
    provider: OidcProvider, tenant: ControlledTenant, header: dict[str, Any], reason: Reason
) -> None:
    assert await _reason(provider, sign(tenant.id_claims(), **header)) is reason


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "a",
        "a.b",
        "..",
        "a.b.c",
        "a.b.c.d.e",
        "ä.b.c",
        "x" * 33_000 + ".b.c",
        "e30.e30.e30",
        "W10.W10.W10",
    ],
)
async def test_a_malformed_token_is_refused(provider: OidcProvider, raw: str) -> None:
    assert await _reason(provider, raw) in (Reason.MALFORMED, Reason.ALGORITHM)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("change", ["=", "!"])
async def test_each_part_has_one_spelling(
    provider: OidcProvider, tenant: ControlledTenant, part: int, change: str
) -> None:
    parts = sign(tenant.id_claims()).split(".")
    parts[part] += change
    assert await _reason(provider, ".".join(parts)) is Reason.MALFORMED


async def test_unused_bits_of_a_part_must_be_zero(provider: OidcProvider, tenant: ControlledTenant) -> None:
    raw = sign(tenant.id_claims())  # 256 bytes of signature: the last character has four unused bits
    assert await _reason(provider, raw[:-1] + chr(ord(raw[-1]) + 1)) is Reason.MALFORMED


@pytest.mark.parametrize("payload", [b"[1]", b'{"exp": NaN}', rb'{"name": "\ud800"}', b"[" * 9999])
async def test_a_signed_payload_that_is_no_object_is_refused(
    provider: OidcProvider, tenant: ControlledTenant, payload: bytes
) -> None:
    raw = jwt.PyJWS().encode(payload, rsa_key("key-1"), "RS256", {"kid": "key-1"})
    assert await _reason(provider, raw) is Reason.MALFORMED


async def test_the_first_refused_moment_is_exp_plus_leeway(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    expiry = int(time.time()) + 100
    raw = sign(tenant.id_claims(exp=expiry))
    clock.stop_at(expiry + 59.999)
    await provider.verify_id_token(raw, client_id=WEB_CLIENT_ID, nonce="the-nonce")
    clock.stop_at(expiry + 60)
    assert await _reason(provider, raw) is Reason.EXPIRED


async def test_all_tenants_are_told_apart_by_the_verified_issuer(
    tenant: ControlledTenant, http: aiohttp.ClientSession
) -> None:
    """The multi-tenant issuer is a template; a key that names its issuer signs for no other."""
    tenant.keys = [
        jwk("key-1", issuer=f"{tenant.authority}/{{tenantid}}/v2.0"),
        jwk("key-2", issuer=f"{tenant.authority}/{TENANT_ID}/v2.0"),
    ]
    other = {"tid": OTHER_TENANT_ID, "iss": f"{tenant.authority}/{OTHER_TENANT_ID}/v2.0"}
    async with OidcProvider(http, tenant.authority, "organizations") as provider:
        good = await provider.verify(sign(tenant.id_claims(**other)))
        assert provider.check_issuer(good) == OTHER_TENANT_ID
        for claims, key in (
            (tenant.id_claims(tid=OTHER_TENANT_ID), "key-1"),
            (tenant.id_claims(**other), "key-2"),
        ):
            token = await provider.verify(sign(claims, key=key))
            with pytest.raises(TokenError) as caught:
                provider.check_issuer(token)
            assert caught.value.reason is Reason.ISSUER


async def test_metadata_names_the_endpoints(provider: OidcProvider, tenant: ControlledTenant) -> None:
    metadata = await provider.metadata()
    assert metadata.issuer == tenant.issuer
    assert metadata.end_session_endpoint == f"{tenant.authority}/{TENANT_ID}/oauth2/v2.0/logout"
