"""The reference server behind ours: its log messages, and its subscriptions."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from pydantic import AnyUrl
from tests.foreign.environments import installed_node
from tests.foreign.running import environment_in
from tests.support.eventually import eventually
from tests.support.node import NODE
from tests.support.served import on_loopback

from mcpsecurity_server.stdio import Command, StdioProgram
from mcpsecurity_server.transport import mount_mcp

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300)]
EVERYTHING = "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
WATCHED = AnyUrl("demo://resource/dynamic/text/1")


async def test_log_messages_and_changes_of_the_reference_server_reach_its_client(tmp_path: Path) -> None:
    command = (str(NODE), str(installed_node("npm") / EVERYTHING))
    program = StdioProgram(Command(command, environment_in(tmp_path), tmp_path))
    app = web.Application()
    program.clients = mount_mcp(app, program)
    logged, changed = list[Any](), list[AnyUrl]()

    async def hear(message: Any) -> None:
        match message.root if isinstance(message, types.ServerNotification) else None:
            case types.LoggingMessageNotification(params=params):
                logged.append(params.level)
            case types.ResourceUpdatedNotification(params=params):
                changed.append(params.uri)

    async with (
        on_loopback(app, "/mcp") as url,
        streamable_http_client(url) as (read, write, _),
        ClientSession(read, write, message_handler=hear) as session,
    ):
        await session.initialize()
        await session.set_logging_level("debug")
        await session.subscribe_resource(WATCHED)
        await session.call_tool("toggle-simulated-logging", {})
        await session.call_tool("toggle-subscriber-updates", {})
        await eventually(lambda: len(logged) > 1 and WATCHED in changed, seconds=120)
