"""Some servers want a key in their address. No message has it: people read messages, and logs keep them."""

import httpx
import pytest
from mcp import types
from tests.support.ports import free_port

from mcpsecurity.client import McpConnection, ProtocolError
from mcpsecurity.client.errors import BridgeError
from mcpsecurity.client.http_errors import refusal_of, shown
from mcpsecurity.client.sdk_errors import late, named, opening_error, unreadable

ADDRESS = "https://user:secret@mcp.example:8443/mcp?api_key=secret#secret"
SHOWN = "https://mcp.example:8443/mcp"


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (ADDRESS, SHOWN),
        ("http://localhost:1/mcp?a=b", "http://localhost:1/mcp"),
        ("https://mcp.example", "https://mcp.example"),
        ("https://mcp.example/s/NDk3YzE2ZTItZjU2MS00NzQ1/mcp", "https://mcp.example/s/…/mcp"),
        (
            "https://mcp.example/2025/knowledge-base-search/v1/mcp",
            "https://mcp.example/2025/knowledge-base-search/v1/mcp",
        ),
        ("server-memory", "server-memory"),
        ("http://[::1", "http://[::1"),
    ],
)
def test_an_address_is_shown_without_what_may_be_a_key(address: str, text: str) -> None:
    assert shown(address) == text


@pytest.mark.parametrize("status", [404, 405, 401, 403, 302, 500])
def test_a_refusal_is_told_without_the_key(status: int) -> None:
    response = httpx.Response(status, request=httpx.Request("POST", ADDRESS))
    told = str(refusal_of(response, b""))
    assert "mcp.example:8443" in told
    assert "secret" not in told


@pytest.mark.parametrize(
    "error",
    [
        late(ADDRESS, 5),
        unreadable(ADDRESS),
        named(ProtocolError("fetch failed", code=types.INTERNAL_ERROR), ADDRESS),
        opening_error(RuntimeError("Unsupported protocol version from the server: 1"), ADDRESS),
        opening_error(ValueError("x"), ADDRESS),
    ],
)
def test_what_goes_wrong_is_told_without_the_key(error: BaseException) -> None:
    assert "mcp.example:8443" in str(error)
    assert "secret" not in str(error)


async def test_a_server_that_is_away_is_told_without_the_key() -> None:
    with pytest.raises(BridgeError) as failed:
        async with McpConnection(f"http://127.0.0.1:{free_port()}/mcp?api_key=secret"):
            pass
    assert "secret" not in str(failed.value)
