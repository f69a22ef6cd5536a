"""The catalogue of token cases, 48 to 50: app roles and authentication contexts of single tools."""

import asyncio
import base64
import json
from typing import Any

import aiohttp
import orjson
import pytest
from cryptography.fernet import Fernet
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import BASE_SCOPE, Answer, ProtectedServer
from tests.support.ports import free_port
from tests.support.programs import redis_server

from mcpsecurity.redis.connection import RedisConnection
from mcpsecurity.redis.encryption import EncryptionKeys
from mcpsecurity_server.auth.rights import RedisRights
from mcpsecurity_server.transport import Owner


async def test_case_48_a_tools_app_role_missing(tenant: ControlledTenant, clock: MovableClock) -> None:
    async with ProtectedServer(tenant, clock, tool_roles={"who_am_i": "Reader Admin"}) as protected:
        for roles in (None, [], ["Other"], ["reader"], "Reader", [["Reader"]]):
            answer = await protected.stateless_tool(tenant.access_token(roles=roles), "who_am_i")
            assert (answer.status, answer.challenge) == (403, None), "no other token would help"
            assert answer.json()["error"] == "access_denied"
            free = await protected.stateless_tool(tenant.access_token(roles=roles), "get_current_date_time")
            assert free.status == 200
        reader = tenant.access_token(roles=["Other", "Admin"])
        session = await protected.session(reader)
        assert (await protected.stateless_tool(reader, "who_am_i")).status == 200
        assert (await protected.call(reader, tool="who_am_i", session=session)).status == 200


async def test_case_49_a_tools_authentication_context_missing(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, tool_acrs={"who_am_i": "c1"}) as protected:
        for acrs in (None, [], ["c2"], ["C1"], "c1", "c2 c1", [1], [["c1"]]):
            token = tenant.access_token(acrs=acrs)
            session = await protected.session(token)
            for answer in (
                await protected.stateless_tool(token, "who_am_i"),
                await protected.call(token, tool="who_am_i", session=session),
            ):
                assert _claims(answer) == {"access_token": {"acrs": {"essential": True, "value": "c1"}}}
                protected.assert_refused(answer, 401, "insufficient_claims", BASE_SCOPE)
        stepped_up = tenant.access_token(acrs=["c2", "c1"])
        assert (await protected.stateless_tool(stepped_up, "who_am_i")).status == 200


def _claims(answer: Answer) -> Any:
    """Return the claims of a challenge, which are taken out of it."""
    assert answer.challenge is not None, answer
    return json.loads(base64.b64decode(answer.challenge.pop("claims"), validate=True))


async def test_case_50_only_what_the_token_allows_is_listed(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    needs: dict[str, Any] = {
        "tool_scopes": {"get_random_number": "random:read"},
        "tool_roles": {"who_am_i": "Reader"},
        "tool_acrs": {"get_current_date_time": "c1"},
    }
    async with ProtectedServer(tenant, clock, list_permitted=True, **needs) as protected:
        for claims, hidden in (
            ({}, {"get_random_number", "who_am_i"}),
            ({"roles": ["Reader"]}, {"get_random_number"}),
            ({"scp": "mcp:tools random:read", "roles": ["Reader"]}, set[str]()),
        ):
            token = tenant.access_token(**claims)
            listed = await _listed(protected, token)
            assert hidden.isdisjoint(listed)
            assert {"get_random_number", "who_am_i", "get_current_date_time"} - hidden <= listed
    async with ProtectedServer(tenant, clock, **needs) as protected:
        assert await _listed(protected, tenant.access_token()) >= {"get_random_number", "who_am_i"}


async def _listed(protected: ProtectedServer, token: str) -> set[str]:
    """Return the names of the tools that are listed, the same in both eras."""
    answer = await protected.stateless(token, "tools/list")
    names = {tool["name"] for tool in answer.json()["result"]["tools"]}
    headers = {"Authorization": f"Bearer {token}", "Mcp-Session-Id": await protected.session(token)}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 3, "method": "tools/list"})
    answer = await protected.request("POST", "/mcp", headers, body)
    assert {tool["name"] for tool in answer.json()["result"]["tools"]} == names
    return names


async def test_case_50_a_new_token_that_allows_other_tools_is_told_to_its_owner_only(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    settings: dict[str, Any] = {"list_permitted": True, "tool_roles": {"who_am_i": "Reader"}}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        alice, bob = tenant.access_token(), tenant.access_token(oid="oid-of-bob", sub="sub-of-bob")
        streams = [await _stream(protected, token) for token in (alice, bob)]
        streams += [await _listening(protected, token) for token in (alice, bob)]
        try:
            await protected.call(tenant.access_token(uti="another token that allows the same"))
            await protected.call(tenant.access_token(roles=["Reader"]))
            for stream in streams[::2]:
                assert (await _told(stream)).count(b"tools/list_changed") == 1
            await protected.call(tenant.access_token(oid="oid-of-bob", sub="sub-of-bob", roles=["Reader"]))
            for stream in streams[1::2]:
                told = await _told(stream)
                assert told.count(b"tools/list_changed") == 1, told
        finally:
            for stream in streams:
                stream.close()


async def test_replicas_tell_of_a_new_token_that_another_one_saw(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    key = Fernet.generate_key().decode()
    settings: dict[str, Any] = {"list_permitted": True, "tool_roles": {"who_am_i": "Reader"}, "keys": key}
    async with redis_server() as redis:
        settings["redis_url"] = f"redis://127.0.0.1:{redis.port}"
        async with (
            ProtectedServer(tenant, clock, **settings) as one,
            ProtectedServer(tenant, clock, **settings) as other,
        ):
            streams = [
                await _stream(one, tenant.access_token()),
                await _listening(one, tenant.access_token()),
            ]
            try:
                await other.call(tenant.access_token(roles=["Reader"]))  # the first token that this one sees
                for stream in streams:
                    assert (await _told(stream)).count(b"tools/list_changed") == 1
            finally:
                for stream in streams:
                    stream.close()


async def test_without_redis_a_new_token_counts_and_its_rights_are_not_compared(
    caplog: pytest.LogCaptureFixture,
) -> None:
    keys = EncryptionKeys(Fernet.generate_key().decode())
    async with RedisConnection(f"redis://127.0.0.1:{free_port()}", keys) as redis:
        assert await RedisRights(redis).swap(Owner("tenant", "person", "client"), b"digest") is None
    assert "whether a caller's rights have changed is not known" in caplog.text


async def _stream(protected: ProtectedServer, token: str) -> aiohttp.ClientResponse:
    """Open a session's event stream."""
    headers = {"Authorization": f"Bearer {token}", "Mcp-Session-Id": await protected.session(token)}
    response = await protected.http.get(
        f"{protected.origin}/mcp", headers=headers | {"Accept": "text/event-stream"}
    )
    assert response.status == 200
    return response


async def _listening(protected: ProtectedServer, token: str) -> aiohttp.ClientResponse:
    """Ask for changes of the tools in the revision without sessions."""
    version = "2026-07-28"
    own = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"notifications": {"toolsListChanged": True}, "_meta": own}
    response = await protected.http.post(
        f"{protected.origin}/mcp",
        json={"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params},
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": version,
            "Mcp-Method": "subscriptions/listen",
        },
    )
    assert response.status == 200
    acknowledged = b""
    while b"\n\n" not in acknowledged.partition(b"acknowledged")[2]:
        acknowledged += await response.content.readany()
    assert b'"toolsListChanged":true' in acknowledged
    return response


async def _told(stream: aiohttp.ClientResponse) -> bytes:
    """Return what has come so far, at least until a list has changed."""
    seen = b""
    async with asyncio.timeout(30):
        while b"list_changed" not in seen:
            seen += await stream.content.readany()
    return seen
