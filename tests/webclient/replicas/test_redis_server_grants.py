"""Tokens of other authorization servers in Redis: encrypted, by session and server, and gone with it."""

from cryptography.fernet import Fernet
from tests.support.programs import redis_server

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_webclient.replicas.redis_server_grants import RedisServerGrantStore


async def test_what_one_replica_keeps_another_reads_until_the_session_ends() -> None:
    key = Fernet.generate_key().decode()
    async with redis_server() as redis:
        address = f"redis://127.0.0.1:{redis.port}"
        one, other, stranger = (
            RedisConnection(address, EncryptionKeys(k)) for k in (key, key, Fernet.generate_key().decode())
        )
        here, there, foreign = (RedisServerGrantStore(c, lifetime=60) for c in (one, other, stranger))
        try:
            await here.put("sid", "notes", "a token")
            await here.put("sid", "wiki", "another")
            assert (await there.get("sid", "notes"), await there.get("other", "notes")) == ("a token", None)
            kept = await one.client.hgetall("mcpsecurity:server-grants:sid")
            assert kept
            assert "token" not in str(kept)
            assert 0 < await one.client.pttl("mcpsecurity:server-grants:sid") <= 60_000
            assert await foreign.get("sid", "notes") is None
            assert not await there.replace("sid", "notes", "an older token", "a newer token")
            assert await there.replace("sid", "notes", "a token", "a newer token")
            assert await there.replace("sid", "notes", "a token", "a newer token"), "it was, and nobody heard"
            assert (await here.get("sid", "notes"), await here.get("sid", "wiki")) == (
                "a newer token",
                "another",
            )
            assert await there.replace("sid", "notes", "a newer token", None)
            assert not await there.replace("sid", "notes", "a newer token", "a token"), "it is gone"
            assert (await here.get("sid", "notes"), await here.get("sid", "wiki")) == (None, "another")
            await there.drop("sid")
            assert await here.get("sid", "wiki") is None
        finally:
            for connection in (one, other, stranger):
                await connection.client.aclose()
