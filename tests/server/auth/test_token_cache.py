"""Validated tokens are cached, within bounds."""

import pytest
from pydantic import ValidationError
from tests.oidc.tenant import ControlledTenant, jwk

from mcpsecurity.oidc import JwksCache, SigningKey, parse_keys
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.auth.verifier import TokenCache

NOW = 9.0


async def _keys() -> tuple[JwksCache, SigningKey]:
    async def load(_: object) -> dict[str, SigningKey]:
        return parse_keys({"keys": [jwk("key-1")]}, {})

    keys = JwksCache(load, timer=lambda: 0.0)
    return keys, await keys.get("key-1")


def _principal(tenant: ControlledTenant, token: str) -> Principal:
    return Principal.from_claims(token, tenant.access_claims())


async def test_the_oldest_makes_room(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    cache = TokenCache(keys, lambda: NOW, size=2)
    for token in ("a", "b", "c"):
        cache.put(_principal(tenant, token), key, 10.0)
    assert len(cache) == 2
    assert cache.get("a") is None
    assert cache.get("c") is not None


async def test_a_principal_comes_back_with_its_token_and_shows_it_in_no_text(
    tenant: ControlledTenant,
) -> None:
    keys, key = await _keys()
    cache = TokenCache(keys, lambda: NOW, size=2)
    cache.put(_principal(tenant, "a.b.the-signature"), key, 10.0)
    found = cache.get("a.b.the-signature")
    assert found is not None
    assert found.token == "a.b.the-signature"
    assert "the-signature" not in f"{found!r} {found}"


async def test_a_handler_cannot_change_what_the_next_request_gets(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    cache = TokenCache(keys, lambda: NOW, size=2)
    cache.put(_principal(tenant, "a"), key, 10.0)
    found = cache.get("a")
    assert found is not None
    with pytest.raises(ValidationError, match="frozen"):
        found.scopes = ["admin"]  # type: ignore[misc] # what the test is about
    again = cache.get("a")
    assert again is not None
    assert again.scopes == ["mcp:tools"]


@pytest.mark.parametrize("other", ["a.c.s", "c.b.s", "a.b.t", "a.b.s.", "a.b.", ".s", "s", "", "a.b.\udcff"])
async def test_only_the_whole_token_is_found(tenant: ControlledTenant, other: str) -> None:
    keys, key = await _keys()
    cache = TokenCache(keys, lambda: NOW, size=2)
    cache.put(_principal(tenant, "a.b.s"), key, 10.0)
    assert cache.get(other) is None
    assert cache.get("a.b.s") is not None


async def test_it_is_forgotten_at_the_moment_it_expires(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    now = 9.999
    cache = TokenCache(keys, lambda: now, size=2)
    cache.put(_principal(tenant, "a"), key, 10.0)
    assert cache.get("a") is not None
    now = 10.0
    assert cache.get("a") is None
    assert len(cache) == 0


async def test_a_key_that_was_replaced_under_its_name_ends_the_entry(tenant: ControlledTenant) -> None:
    keys, _ = await _keys()
    cache = TokenCache(keys, lambda: NOW, size=2)
    other = parse_keys({"keys": [jwk("key-2", kid="key-1")]}, {})["key-1"]
    cache.put(_principal(tenant, "a"), other, 10.0)
    assert cache.get("a") is None


async def test_with_size_zero_nothing_is_cached(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    cache = TokenCache(keys, lambda: NOW, size=0)
    cache.put(_principal(tenant, "a"), key, 10.0)
    assert cache.get("a") is None
