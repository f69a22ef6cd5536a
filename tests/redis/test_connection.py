"""Redis by tokens of an identity as passwords, which change."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from redis.asyncio import Redis
from tests.support.eventually import eventually
from tests.support.programs import redis_server

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity.redis.errors import RedisUnavailableError

KEYS = EncryptionKeys(Fernet.generate_key().decode())


@pytest.fixture
async def redis() -> AsyncIterator[tuple[str, Redis]]:
    """A Redis: its address for the user `identity`, who needs a password, and an administrator's client."""
    async with redis_server() as program:
        admin = Redis(port=program.port)
        yield f"redis://identity@127.0.0.1:{program.port}/0", admin
        await admin.aclose()


async def _password(admin: Redis, password: str) -> None:
    """Accept this password only, and end the connections that were made with another."""
    run: Any = admin.execute_command
    await run("ACL", "SETUSER", "identity", "reset", "on", f">{password}", "~*", "&*", "+@all")
    await run("CLIENT", "KILL", "USER", "identity")


async def _connections(admin: Redis) -> set[str]:
    return {client["id"] for client in await admin.client_list() if client["user"] == "identity"}


async def test_each_new_connection_has_a_password_that_is_good(redis: tuple[str, Redis]) -> None:
    url, admin = redis
    numbers = itertools.count(1)
    current = ["token-0"]

    def get() -> tuple[str, float]:
        current[0] = f"token-{next(numbers)}"
        return current[0], 3600.0

    await _password(admin, "token-1")
    async with RedisConnection(url, KEYS, password=get) as connection:
        await connection.check()
        await connection.check()
        assert current == ["token-1"], "one connection, one password"
        await _password(admin, "token-2")
        await connection.check()
        assert current == ["token-2"]


async def test_connections_are_replaced_before_their_password_expires(redis: tuple[str, Redis]) -> None:
    url, admin = redis

    def get() -> tuple[str, float]:
        return "token-1", 240.5  # seconds; the last four minutes are not used

    await _password(admin, "token-1")
    async with RedisConnection(url, KEYS, password=get) as connection:
        await connection.check()
        first = await _connections(admin)

        async def renewed() -> bool:
            await connection.check()
            return first.isdisjoint(await _connections(admin))

        await eventually(renewed)


async def test_an_identity_that_gives_nothing_is_a_redis_that_cannot_be_used(
    redis: tuple[str, Redis],
) -> None:
    def get() -> tuple[str, float]:
        raise ValueError("SECRET")

    async with RedisConnection(redis[0], KEYS, password=get) as connection:
        with pytest.raises(RedisUnavailableError) as caught:
            await connection.check()
    assert "SECRET" not in str(caught.value)


async def test_a_password_in_the_address_is_what_counts(redis: tuple[str, Redis]) -> None:
    url, admin = redis

    def get() -> tuple[str, float]:
        raise AssertionError("it is not asked for")

    await _password(admin, "fixed")
    async with RedisConnection(url.replace("identity@", "identity:fixed@"), KEYS, password=get) as connection:
        await connection.check()
