"""Gateways that put the answers of a program on the network as they are."""

from typing import Any

import pytest
from aiohttp import web
from tests.client.odd import Odd, connected, ok

from mcpsecurity.client import ProtocolError, result_text


def before_the_handshake(message: dict[str, Any]) -> web.Response:
    """Answer as a program on the Python SDK that was started again behind ContextForge's `translate`."""
    error = {"code": -32602, "message": "Invalid request parameters", "data": ""}
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})


@pytest.mark.parametrize(("session_id", "sessions"), [("", 2), ("s1", 1)])
async def test_a_gateway_without_sessions_that_was_started_anew_is_greeted_again(
    session_id: str, sessions: int
) -> None:
    left = [before_the_handshake]
    server = Odd(call=lambda m: left.pop()(m) if left else ok(m))
    server.session = session_id
    async with connected(server) as connection:
        with pytest.raises(ProtocolError, match="Invalid request parameters"):
            await connection.call_tool("pay", {})
        assert server.methods.count("tools/call") == 1
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods.count("initialize") == sessions
