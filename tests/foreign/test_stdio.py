"""Servers that speak over their standard streams: a kernel takes a session of the official SDK, too."""

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from mcp import ClientSession, StdioServerParameters, stdio_client
from semantic_kernel import Kernel
from semantic_kernel.exceptions import KernelException
from semantic_kernel.functions import KernelFunction, KernelPlugin
from tests.foreign.running import Running, environment_in
from tests.support.served import on_loopback

from mcpsecurity import import_mcp_tools
from mcpsecurity.client import BridgeError, McpConnection
from mcpsecurity.kernel import function_name
from mcpsecurity_server.stdio import Command, StdioProgram
from mcpsecurity_server.transport import mount_mcp

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(300), pytest.mark.needs("stdio")]


async def test_a_kernel_gets_the_same_by_a_gateway_as_without(running: Running, tmp_path: Path) -> None:
    server, kernel = running.server, Kernel()
    assert server.stdio is not None
    name, given = server.uses.calls[0]
    program, *arguments = server.stdio(running.folder)
    parameters = StdioServerParameters(
        command=program, args=arguments, env=environment_in(running.folder), cwd=running.folder
    )
    with (tmp_path / "log.txt").open("w") as log:
        async with (
            stdio_client(parameters, errlog=log) as streams,
            ClientSession(*streams) as session,
            McpConnection(running.url) as connection,
        ):
            await session.initialize()
            direct = await import_mcp_tools(kernel, session, "Direct")
            gateway = await import_mcp_tools(kernel, connection, "Gateway")
            assert direct.functions.keys() == gateway.functions.keys()
            for function in direct.functions:
                assert _told(direct[function]) == _told(gateway[function])
            given = running.filled(given)
            told = [
                str(await plugin[function_name(name)].invoke(kernel, **given)) for plugin in (direct, gateway)
            ]
    assert told[0]
    if name not in server.uses.varies:
        assert told[0] == told[1]


async def test_served_as_a_command_it_is_what_it_is_without_a_server_between(
    running: Running, tmp_path: Path
) -> None:
    server, kernel = running.server, Kernel()
    assert server.stdio is not None
    program, *arguments = server.stdio(running.folder)
    environment = environment_in(running.folder)
    parameters = StdioServerParameters(command=program, args=arguments, env=environment, cwd=running.folder)
    served = StdioProgram(Command((program, *arguments), environment, running.folder))
    app = web.Application()
    mount_mcp(app, served)
    with (tmp_path / "log.txt").open("w") as log:
        async with (
            stdio_client(parameters, errlog=log) as streams,
            ClientSession(*streams) as session,
            on_loopback(app, "/mcp") as url,
            McpConnection(url) as connection,
        ):
            greeting = await session.initialize()
            assert connection.server is not None
            assert connection.server.serverInfo == greeting.serverInfo
            assert connection.server.instructions == greeting.instructions
            direct = await import_mcp_tools(kernel, session, "Direct")
            between = await import_mcp_tools(kernel, connection, "Between")
            assert direct.functions.keys() <= between.functions.keys()  # some have more for who can be asked
            for function in direct.functions:
                assert _told(direct[function]) == _told(between[function])
            for name, given in (server.uses.calls[0], server.uses.wrong):
                filled = running.filled(given)
                told = [await _called(plugin, kernel, name, filled) for plugin in (direct, between)]
                assert name in server.uses.varies or told[0] == told[1]


async def _called(plugin: KernelPlugin, kernel: Kernel, name: str, given: dict[str, Any]) -> str:
    try:
        return str(await plugin[function_name(name)].invoke(kernel, **given))
    except (BridgeError, KernelException) as error:
        return str(error.__cause__ or error)


def _told(function: KernelFunction) -> object:
    return [(parameter.name, parameter.schema_data) for parameter in function.metadata.parameters]
