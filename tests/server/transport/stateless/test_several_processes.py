"""Processes that share Redis and keys: a change in one is heard in another, and any continues a call."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.server.transport.stateless.conftest import Connect, accept
from tests.server.transport.stateless.test_subscriptions import ALL, listen, messages
from tests.support.programs import Program, redis_server

from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_server.transport import Limits
from mcpsecurity_server.transport.redis import RedisTransport

KEY = b"k" * 32


class Name(BaseModel):
    name: str


def program() -> FastMCP[Any]:
    mcp: FastMCP[Any] = FastMCP()

    @mcp.tool()
    async def greet(ctx: Context[Any, Any, Any]) -> str:
        answer = await ctx.elicit("What is your name?", Name)
        return f"Hello, {answer.data.name if answer.action == 'accept' else answer.action}!"

    return mcp


@pytest.fixture(scope="module")
async def redis() -> AsyncIterator[Program]:
    async with redis_server() as server:
        yield server


async def test_a_change_in_one_process_is_heard_in_another(connect: Connect, redis: Program) -> None:
    keys, prefix = EncryptionKeys(Fernet.generate_key().decode()), secrets.token_hex(4)

    def shared() -> RedisTransport:
        return RedisTransport(f"redis://127.0.0.1:{redis.port}", keys, Limits(), prefix=prefix)

    async with (
        asyncio.timeout(30),
        shared() as first,
        shared() as second,
        connect(program(), store=first.store, bus=first.bus) as one,
        connect(program(), store=second.store, bus=second.bus) as other,
        listen(one, **ALL) as response,
    ):
        heard = messages(response)
        await anext(heard)
        await other.mounted.list_changed("tools")
        assert (await anext(heard))["method"] == "notifications/tools/list_changed"


async def test_any_process_continues_a_call_that_another_began(connect: Connect) -> None:
    async with (
        connect(program(), state_keys=[KEY]) as one,
        connect(program(), state_keys=[b"n" * 32, KEY]) as other,
        connect(program()) as stranger,
    ):
        asked = await one.call("greet")
        done = await other.retry("greet", asked, accept(name="Ada"))
        refused = await stranger.retry("greet", asked, accept(name="Ada"))
    assert done.result["content"][0]["text"] == "Hello, Ada!"
    assert (refused.status, refused.code) == (400, -32602)
