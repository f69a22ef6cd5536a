"""Token caches of MSAL that two processes change at once: nothing old comes back."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from cryptography.fernet import Fernet
from tests.support.programs import Program, redis_server

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.replicas.redis_token_cache import RedisTokenCacheStore


class Pair(NamedTuple):
    """The stores of two processes, and the Redis that they share."""

    one: RedisTokenCacheStore
    other: RedisTokenCacheStore
    program: Program


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    keys = Fernet.generate_key().decode()
    async with AsyncExitStack() as running:
        redis = await running.enter_async_context(redis_server())
        made = []
        for _ in range(2):
            connection = RedisConnection(f"redis://127.0.0.1:{redis.port}", EncryptionKeys(keys))
            running.push_async_callback(connection.client.aclose)
            made.append(RedisTokenCacheStore(connection, lifetime=60))
        yield Pair(made[0], made[1], redis)


def write(store: RedisTokenCacheStore, secret: str, sid: str = "sid") -> None:
    cache = store.open(sid)
    cache.deserialize(json.dumps({"RefreshToken": {"key": {"secret": secret}}}))
    cache.has_state_changed = True


async def read(store: RedisTokenCacheStore) -> str | None:
    """Return the token of the session after bringing it up to date."""
    await store.load("sid")
    kept = list(store.open("sid").search("RefreshToken"))
    return kept[0]["secret"] if kept else None


async def test_a_change_that_comes_after_a_newer_sign_in_is_not_saved() -> None:
    async with pair() as both:
        write(both.one, "the first sign-in")
        await both.one.keep("sid")
        assert await read(both.other) == "the first sign-in"
        write(both.other, "a refresh of the first")
        write(both.one, "the second sign-in", "newer")
        await both.one.move("newer", "sid")
        await both.other.keep("sid")
        assert await read(both.other) == await read(both.one) == "the second sign-in"
        write(both.other, "a refresh of the second")
        await both.other.keep("sid")
        assert await read(both.one) == "a refresh of the second"


async def test_a_change_that_comes_after_the_sign_out_is_not_saved() -> None:
    async with pair() as both:
        write(both.one, "a sign-in")
        await both.one.keep("sid")
        assert await read(both.other) == "a sign-in"
        write(both.other, "a refresh")
        await both.one.drop("sid")
        await both.other.keep("sid")
        assert await read(both.one) is None
        assert await read(both.other) is None


async def test_a_change_while_redis_is_away_is_saved_when_it_is_back() -> None:
    async with pair() as both:
        await both.program.stop()
        write(both.one, "a sign-in")
        await both.one.keep("sid")
        assert await read(both.one) == "a sign-in"
        await both.program.start()
        await both.one.load("sid")
        assert await read(both.other) == "a sign-in"
