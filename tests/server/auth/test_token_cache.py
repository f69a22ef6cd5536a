"""Validated tokens are remembered by hash, within bounds."""

import pytest
from aiohttp.test_utils import make_mocked_request
from tests.oidc.tenant import ControlledTenant, jwk

from mcpsecurity.oidc import JwksCache, SigningKey, parse_keys
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.auth.token_cache import TokenCache

NOW = 9.0


async def _keys() -> tuple[JwksCache, SigningKey]:
    async def load(_: object) -> dict[str, SigningKey]:
        return parse_keys({"keys": [jwk("key-1")]}, {})

    keys = JwksCache(load, timer=lambda: 0.0)
    return keys, await keys.get("key-1")


def _caller(tenant: ControlledTenant, raw: str) -> Principal:
    return Principal.from_claims(raw, tenant.access_claims(), ["mcp:tools"])


async def test_the_oldest_makes_room(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    memory = TokenCache(keys, lambda: NOW, size=2)
    for raw in ("a", "b", "c"):
        memory.remember(raw, _caller(tenant, raw), key, 10.0)
    assert len(memory) == 2
    assert memory.recall("Bearer a") is None
    recalled = memory.recall("Bearer c")
    assert recalled is not None
    assert recalled.token == ""
    request = make_mocked_request("POST", "/mcp", headers={"Authorization": "Bearer c"})
    assert recalled.of_request(request).token == "c"
    assert recalled.token == ""


async def test_what_is_kept_opens_nothing(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    memory = TokenCache(keys, lambda: NOW, size=2)
    memory.remember("a.b.the-signature", _caller(tenant, "a.b.the-signature"), key, 10.0)
    ((digest, entry),) = memory._entries.items()
    assert len(digest) == 64
    assert entry.caller.token == ""
    kept = (digest, *entry, *entry.caller.__dict__.values())
    assert not any("the-signature" in str(value) for value in kept)


@pytest.mark.parametrize(
    "other",
    [
        "Bearer a.c.s",  # a good signature below something else
        "Bearer c.b.s",
        "Bearer a.b.t",
        "Bearer a.b.s.",
        "Bearer a.b.",
        "Bearer .s",
        "Bearer s",
        "bearer a.b.s",  # the same, but it takes the long way
        "a.b.s",
        "s",
        "",
        "Bearer a.b.\udcff",  # no text
    ],
)
async def test_only_the_whole_token_is_remembered(tenant: ControlledTenant, other: str) -> None:
    keys, key = await _keys()
    memory = TokenCache(keys, lambda: NOW, size=2)
    memory.remember("a.b.s", _caller(tenant, "a.b.s"), key, 10.0)
    assert memory.recall(other) is None
    assert memory.recall("Bearer a.b.s") is not None


async def test_it_is_forgotten_at_the_moment_it_expires(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    now = 9.999
    memory = TokenCache(keys, lambda: now, size=2)
    memory.remember("a", _caller(tenant, "a"), key, 10.0)
    assert memory.recall("Bearer a") is not None
    now = 10.0
    assert memory.recall("Bearer a") is None
    assert len(memory) == 0


async def test_a_key_that_was_replaced_under_its_name_ends_the_memory(tenant: ControlledTenant) -> None:
    keys, _ = await _keys()
    memory = TokenCache(keys, lambda: NOW, size=2)
    other = parse_keys({"keys": [jwk("key-2", kid="key-1")]}, {})["key-1"]
    memory.remember("a", _caller(tenant, "a"), other, 10.0)
    assert memory.recall("Bearer a") is None


async def test_with_size_zero_nothing_is_remembered(tenant: ControlledTenant) -> None:
    keys, key = await _keys()
    memory = TokenCache(keys, lambda: NOW, size=0)
    memory.remember("a", _caller(tenant, "a"), key, 10.0)
    assert memory.recall("Bearer a") is None
