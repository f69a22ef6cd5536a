"""Servers that speak over their standard streams: a kernel takes a session of the official SDK, too."""

from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from semantic_kernel import Kernel
from semantic_kernel.functions import KernelFunction
from tests.foreign.running import Running, environment_in

from mcpsecurity import import_mcp_tools
from mcpsecurity.client import McpConnection
from mcpsecurity.kernel import function_name

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


def _told(function: KernelFunction) -> object:
    return [(parameter.name, parameter.schema_data) for parameter in function.metadata.parameters]
