"""What a command says of itself: log messages and changes of resources, to the person whose process it is."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import ClientSession, McpError, types
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer
from tests.support.eventually import eventually

from mcpsecurity_server.app import MOUNTED
from mcpsecurity_server.stdio import Command, StdioProgram

NEWS = (sys.executable, str(Path(__file__).with_name("news.py")))
ALICE, BOB = {"oid": "00000000-0000-0000-0000-00000000000a"}, {"oid": "00000000-0000-0000-0000-00000000000b"}
ONE = AnyUrl("news://one")


class Reader(ClientSession):
    """A session of a person, and what it has heard: texts of log messages, and addresses that changed."""

    heard: list[str]

    async def said(self, tool: str, text: str = "") -> str:
        """Call a tool and return its text."""
        [part] = (await self.call_tool(tool, {"text": text})).content
        assert isinstance(part, types.TextContent)
        return part.text


Reading = Callable[..., AbstractAsyncContextManager[Reader]]


@pytest.fixture
async def server(tenant: ControlledTenant, clock: MovableClock) -> AsyncIterator[ProtectedServer]:
    program = StdioProgram(Command(NEWS))
    async with ProtectedServer(tenant, clock, mcp=program) as served:
        program.clients = served.app[MOUNTED]
        yield served


@pytest.fixture
def reading(server: ProtectedServer, tenant: ControlledTenant) -> Reading:
    """Sessions of people with a server that serves the news."""

    @asynccontextmanager
    async def read(person: dict[str, str] = ALICE) -> AsyncIterator[Reader]:
        heard = list[str]()

        async def hear(message: Any) -> None:
            match message.root if isinstance(message, types.ServerNotification) else None:
                case types.LoggingMessageNotification(params=params):
                    heard.append(str(params.data))
                case types.ResourceUpdatedNotification(params=params):
                    heard.append(str(params.uri))

        headers = {"Authorization": f"Bearer {tenant.access_token(**person)}"}
        async with (
            httpx.AsyncClient(headers=headers, timeout=30) as http,
            streamable_http_client(f"{server.origin}/mcp", http_client=http) as (inward, outward, _),
            Reader(inward, outward, message_handler=hear) as session,
        ):
            session.heard = heard
            await session.initialize()
            yield session

    return read


async def test_what_it_declares_is_what_the_command_declares(reading: Reading) -> None:
    async with reading() as alice:
        declared = alice.get_server_capabilities()
        assert declared is not None
        assert declared.logging is not None
        assert declared.resources is not None
        assert declared.resources.subscribe is True


async def test_log_messages_of_a_call_reach_its_person_at_the_level_that_each_session_has_set(
    reading: Reading,
) -> None:
    async with reading() as alice, reading() as quiet, reading(BOB) as bob:
        await quiet.set_logging_level("error")
        await alice.set_logging_level("info")
        assert await alice.said("state") == "info: "
        assert await bob.said("state") == "warning: "
        await quiet.said("log", "warning for nobody")
        await alice.said("log", "debug for nobody")
        await alice.said("log", "info for alice")
        await quiet.said("log", "error for the quiet")
        await bob.said("log", "warning for bob")
        await eventually(lambda: alice.heard == ["info for alice"])
        await eventually(lambda: quiet.heard == ["error for the quiet"])
        await eventually(lambda: bob.heard == ["warning for bob"])


async def test_a_log_message_after_its_call_reaches_the_persons_sessions(reading: Reading) -> None:
    async with reading() as alice, reading() as quiet, reading(BOB) as bob:
        await quiet.set_logging_level("error")
        await bob.said("state")
        await alice.said("log_later", "warning at last")
        await eventually(lambda: alice.heard == ["warning at last"])
        assert quiet.heard == []
        assert bob.heard == []


async def test_a_change_is_told_to_the_sessions_that_have_subscribed_as_long_as_they_are(
    reading: Reading,
) -> None:
    async with reading() as alice, reading() as again, reading(BOB) as bob:
        for session in (alice, again, bob):
            await session.subscribe_resource(ONE)
        await alice.said("change", "news://one")
        await eventually(lambda: alice.heard == again.heard == ["news://one"])
        assert bob.heard == []
        await alice.unsubscribe_resource(ONE)
        assert await alice.said("change", "news://one") == "warning: news://one"
        await eventually(lambda: again.heard == ["news://one"] * 2)
        await again.unsubscribe_resource(ONE)
        assert await alice.said("change", "news://one") == "warning: "
        assert alice.heard == ["news://one"]


async def test_a_process_that_takes_the_place_of_another_knows_level_and_subscriptions(
    reading: Reading,
) -> None:
    async with reading() as alice:
        await alice.set_logging_level("debug")
        await alice.subscribe_resource(ONE)
        with pytest.raises(McpError, match="process has ended"):
            await alice.said("end")
        assert await alice.said("state") == "debug: news://one"


async def test_the_commands_refusal_of_a_subscription_is_the_clients(reading: Reading) -> None:
    async with reading() as alice:
        with pytest.raises(McpError, match="there is no such resource"):
            await alice.subscribe_resource(AnyUrl("news://none"))
        assert await alice.said("state") == "warning: "


async def test_without_a_session_a_stream_of_changes_subscribes_in_the_process(
    server: ProtectedServer, tenant: ControlledTenant
) -> None:
    token = tenant.access_token(**ALICE)
    wanted = {"resourceSubscriptions": ["news://one"]}
    async with listening(server, token, wanted) as heard:
        assert (await anext(heard))["method"] == "notifications/subscriptions/acknowledged"
        given = {"name": "change", "arguments": {"text": "news://one"}}
        await server.stateless(token, "tools/call", given)
        changed = await anext(heard)
    assert changed["method"] == "notifications/resources/updated"
    assert changed["params"]["uri"] == "news://one"


@asynccontextmanager
async def listening(
    server: ProtectedServer, token: str, wanted: dict[str, Any]
) -> AsyncIterator[AsyncIterator[Any]]:
    """Open a stream of changes, and yield its messages."""
    method, version = "subscriptions/listen", "2026-07-28"
    prefix = "io.modelcontextprotocol/"
    meta: dict[str, Any] = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": {}}
    meta[f"{prefix}clientInfo"] = {"name": "test", "version": "1"}
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Mcp-Method": method,
    }
    params = {"notifications": wanted, "_meta": meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    async with (
        asyncio.timeout(60),
        server.http.post(f"{server.origin}/mcp", json=message, headers=headers) as response,
    ):
        yield (json.loads(line[6:]) async for line in response.content if line.startswith(b"data: "))
