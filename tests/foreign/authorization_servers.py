"""Authorization servers that others wrote, each with an MCP server that has people sign in there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.foreign.environments import installed_node, installed_python
from tests.foreign.running import Command, environment_in
from tests.support.node import NODE
from tests.support.ports import free_port
from tests.support.programs import Program

__all__ = ["SDK", "served"]

SDK = "node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js"
_IN_PYTHON = Path(__file__).parent / "python_sign_in"


@asynccontextmanager
async def served(script: str, folder: Path) -> AsyncIterator[str]:
    """Run a script, and give it a port for the MCP server and one for the authorization server."""
    port, more = free_port(), free_port()
    program = Program(
        [*_command(script), str(port), str(more), "--oauth"],
        port,
        environment=environment_in(folder) | {"MCP_PORT": str(port), "MCP_AUTH_PORT": str(more)},
        log=folder / "log.txt",
    )
    await program.start()
    try:
        yield f"http://{'localhost' if script == SDK else '127.0.0.1'}:{port}/mcp"
    finally:
        await program.stop()


def _command(script: str) -> Command:
    if script.endswith(".py"):
        return [str(installed_python("python_sign_in") / "python"), str(_IN_PYTHON / script)]
    return [str(NODE), str(installed_node("npm_sign_in") / script)]
