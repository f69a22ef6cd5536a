"""The keys: fetched once, refreshed in time, and believed no longer than agreed."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from tests.oidc.tenant import TENANT_ID, ControlledTenant, MovableClock, jwk, rsa_key, sign

from mcpsecurity.oidc import (
    JwksCache,
    OidcProvider,
    ProviderError,
    ProviderUnavailableError,
    Reason,
    SigningKey,
    TokenError,
    parse_keys,
)


async def _settle(provider: OidcProvider) -> None:
    """Let a background refresh finish."""
    flight = provider.keys._flight
    if flight is not None:
        await asyncio.wait_for(asyncio.shield(flight), 30)


async def test_a_key_is_fetched_once_for_many_waiters(
    provider: OidcProvider, tenant: ControlledTenant
) -> None:
    keys = await asyncio.gather(*(provider.keys.get("key-1") for _ in range(50)))
    assert len({id(key) for key in keys}) == 1
    assert tenant.key_requests == 1


async def test_a_waiter_that_gives_up_does_not_fail_the_others(
    provider: OidcProvider, tenant: ControlledTenant
) -> None:
    first = asyncio.create_task(provider.keys.get("key-1"))
    second = asyncio.create_task(provider.keys.get("key-1"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await asyncio.wait_for(second, 30)).kid == "key-1"
    assert tenant.key_requests == 1


async def test_an_unknown_kid_is_looked_up_once_and_then_found(
    provider: OidcProvider, tenant: ControlledTenant
) -> None:
    await provider.keys.warm()
    tenant.keys = [jwk("key-2")]
    assert (await provider.keys.get("key-2")).kid == "key-2"
    assert tenant.key_requests == 2


async def test_many_unknown_kids_cause_one_fetch_in_a_cool_down(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    await provider.keys.warm()
    answers = await asyncio.gather(
        *(provider.keys.get(f"unknown-{i}") for i in range(100)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {TokenError}
    assert tenant.key_requests == 2
    clock.offset += 31
    with pytest.raises(TokenError) as caught:
        await provider.keys.get("unknown")
    assert caught.value.reason is Reason.UNKNOWN_KEY
    assert tenant.key_requests == 3


async def test_held_keys_are_refreshed_in_the_background_before_they_are_stale(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    key = await provider.keys.get("key-1")
    clock.offset += 3601
    assert provider.keys.held("key-1") is key, "no waiting for the refresh"
    await _settle(provider)
    assert tenant.key_requests == 2
    assert provider.keys.held("key-1") is key, "the same key stays the same object"


async def test_a_removed_key_is_gone_after_the_refresh(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    await provider.keys.get("key-1")
    tenant.keys = [jwk("key-2")]
    clock.offset += 3601
    provider.keys.held("key-1")
    await _settle(provider)
    assert provider.keys.held("key-1") is None


async def test_held_keys_serve_while_the_tenant_is_down_until_they_are_stale(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    await provider.keys.get("key-1")
    tenant.down = True
    clock.offset += 86000
    assert (await provider.keys.get("key-1")).kid == "key-1"
    await _settle(provider)
    clock.offset += 1000
    with pytest.raises(ProviderUnavailableError):
        await provider.keys.get("key-1")
    tenant.down = False
    clock.offset += 5
    assert (await provider.keys.get("key-1")).kid == "key-1"


async def test_an_unknown_kid_while_the_tenant_is_down_is_no_verdict_on_the_token(
    provider: OidcProvider, tenant: ControlledTenant
) -> None:
    await provider.keys.warm()
    tenant.down = True
    for _ in range(2):
        with pytest.raises(ProviderUnavailableError):
            await provider.keys.get("key-2")
    assert tenant.key_requests == 1, "discovery failed, and only one was tried"


async def test_a_cold_cache_says_when_to_ask_again_and_does_not_hammer(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    tenant.down = True
    for _ in range(3):
        with pytest.raises(ProviderUnavailableError) as caught:
            await provider.keys.get("key-1")
        assert 1 <= caught.value.retry_after <= 5
    tenant.down = False
    with pytest.raises(ProviderUnavailableError):
        await provider.keys.get("key-1")
    clock.offset += 5
    assert (await provider.keys.get("key-1")).kid == "key-1"
    assert tenant.key_requests == 1


async def test_an_empty_key_set_does_not_replace_held_keys(
    provider: OidcProvider, tenant: ControlledTenant, clock: MovableClock
) -> None:
    key = await provider.keys.get("key-1")
    tenant.keys = []
    clock.offset += 3601
    provider.keys.held("key-1")
    await _settle(provider)
    assert provider.keys.held("key-1") is key


async def test_an_unreachable_authority_is_a_typed_error(http: aiohttp.ClientSession) -> None:
    async with OidcProvider(http, "https://127.0.0.1:1", TENANT_ID) as provider:
        with pytest.raises(ProviderUnavailableError, match="not reachable"):
            await provider.metadata()


async def test_who_joins_a_refresh_that_began_before_the_key_was_published_is_served_too() -> None:
    """Key rotation in mid-traffic: the answer under way is older than the token."""
    answers = [[jwk("key-1")], [jwk("key-1")], [jwk("key-1"), jwk("key-2")]]
    asked, go_on = asyncio.Event(), asyncio.Event()
    now = 0.0

    async def load(held: Mapping[str, SigningKey]) -> dict[str, SigningKey]:
        published = answers.pop(0)
        if held:
            asked.set()
            await asyncio.wait_for(go_on.wait(), 30)
        return parse_keys({"keys": published}, held)

    keys = JwksCache(load, timer=lambda: now)
    await keys.warm()
    now = 3601.0
    assert keys.held("key-1") is not None
    await asyncio.wait_for(asked.wait(), 30)
    waiters = [asyncio.create_task(keys.get("key-2")) for _ in range(20)]
    await asyncio.sleep(0)
    go_on.set()
    async with asyncio.timeout(30):
        assert {key.kid for key in await asyncio.gather(*waiters)} == {"key-2"}
    assert answers == [], "one fetch more, not one for each"
    await keys.aclose()


async def test_closing_ends_a_refresh_in_flight_and_can_be_repeated(provider: OidcProvider) -> None:
    waiter = asyncio.create_task(provider.keys.get("key-1"))
    await asyncio.sleep(0)
    await provider.aclose()
    await provider.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiter


@pytest.mark.parametrize(
    "change",
    [
        {"use": "enc"},
        {"kty": "EC"},
        {"alg": "RS512"},
        {"kid": None},
        {"kid": 7},
        {"kid": "k" * 257},
        {"n": None},
        {"n": "AQAB"},
        {"n": "!!"},
        {"e": 3},
        {"key_ops": ["encrypt"]},
        {"issuer": 7},
    ],
)
def test_a_key_that_is_not_for_signatures_or_malformed_is_left_out(change: dict[str, Any]) -> None:
    keys = parse_keys({"keys": [jwk("key-1", **change), "nonsense", jwk("key-2")]}, {})
    assert list(keys) == ["key-2"]


def test_a_key_set_of_the_wrong_shape_has_no_keys() -> None:
    assert parse_keys({"keys": None}, {}) == {}


def test_a_short_key_is_left_out() -> None:
    rsa_key("short", 1024)
    entry = jwk("key-1")
    numbers = rsa_key("short", 1024).public_key().public_numbers()
    assert numbers.n.bit_length() == 1024
    entry["n"] = _base64url(numbers.n)
    assert parse_keys({"keys": [entry]}, {}) == {}


def test_the_first_of_two_keys_with_one_name_counts() -> None:
    first, second = jwk("key-1"), jwk("key-2", kid="key-1")
    assert parse_keys({"keys": [first, second]}, {})["key-1"].material == (first["n"], first["e"])


def test_a_key_that_changed_under_its_name_is_another_object() -> None:
    held = parse_keys({"keys": [jwk("key-1")]}, {})
    changed = parse_keys({"keys": [jwk("key-2", kid="key-1")]}, held)
    assert changed["key-1"] is not held["key-1"]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://login.microsoftonline.com/x/v2.0"},
        {"issuer": None},
        {"jwks_uri": "http://attacker.example/keys"},
        {"jwks_uri": None},
        {"jwks_uri": "https://["},
        {"authorization_endpoint": 5},
    ],
)
async def test_discovery_of_another_identity_is_refused(
    provider: OidcProvider, tenant: ControlledTenant, change: dict[str, Any]
) -> None:
    tenant.discovery_changes = change
    with pytest.raises(ProviderError):
        await provider.verify(sign(tenant.access_claims()))
    assert tenant.key_requests == 0


def _base64url(number: int) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8)).rstrip(b"=").decode()
