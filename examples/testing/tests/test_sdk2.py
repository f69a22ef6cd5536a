"""A second server, in another SDK and an environment of its own: the plugin starts it as a command."""

import os
from pathlib import Path

import pytest

from mcpsecurity.client import SignInRequiredError
from mcpsecurity.testing import LocalStack, ServedMcp, ServerCommand

SERVER = Path(__file__).parent.parent / "sdk2" / "server.py"


@pytest.fixture(scope="module")
def second_server(local_stack: LocalStack) -> ServedMcp:
    python = os.environ.get("SDK2_PYTHON")
    if python is None:
        pytest.skip("SDK2_PYTHON names no interpreter that has the MCP SDK 2")
    return local_stack.serve(ServerCommand([python, str(SERVER)]))


async def test_it_greets_who_is_signed_in(second_server: ServedMcp) -> None:
    async with second_server.session("bob") as session:
        result = await session.call_tool("greet", {})
    assert result.structuredContent == {"result": "Hello, Bob Brown"}


async def test_it_refuses_tokens_that_are_not_good(second_server: ServedMcp) -> None:
    with pytest.raises(SignInRequiredError):
        async with second_server.session("bob", expired=True):
            pass
