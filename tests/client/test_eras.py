"""How a server is spoken to is found when it is connected to: in a session if it opens one, else without."""

from typing import Any

import pytest
from aiohttp import web
from mcp import types
from tests.client import odd
from tests.client.modern import FORM, Answer, Modern, asks, connected, done, failed, refused

from mcpsecurity.client import (
    AccessDeniedError,
    BridgeError,
    McpConnection,
    ProtocolError,
    ServerUnavailableError,
    SignInRequiredError,
    result_text,
)
from mcpsecurity.client.eras import HANDSHAKE, STATELESS


def plain(status: int, text: str = "") -> Answer:
    return lambda _: web.Response(status=status, text=text)


def greeting(message: dict[str, Any]) -> web.Response:
    return web.json_response(odd.rpc(message, odd.GREETING))


def echoes_the_version(message: dict[str, Any]) -> web.Response:
    return web.json_response(odd.rpc(message, odd.GREETING | {"protocolVersion": "2026-07-28"}))


@pytest.mark.parametrize(
    "answer",
    [
        refused(-32020),
        refused(-32022, data={"supported": ["2026-07-28"], "requested": "2025-11-25"}),
        refused(-32602),
        refused(-32601, 404),
        refused(-32601, 200),
        plain(400),
        plain(404, "not found"),
        plain(405),
        plain(415),
        echoes_the_version,
    ],
)
async def test_a_server_that_refuses_the_handshake_is_spoken_to_without_one(answer: Answer) -> None:
    server = Modern({"initialize": [answer]})
    async with connected(server) as connection:
        assert connection.era is STATELESS
        assert connection.server is not None
        assert connection.server.protocolVersion == "2026-07-28"
        assert connection.server.serverInfo.name == "modern"
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods() == ["initialize", "server/discover", "tools/call"]


async def test_a_server_that_opens_a_session_is_asked_nothing_more_than_before() -> None:
    server = odd.Odd()
    async with odd.connected(server) as connection:
        assert connection.era is HANDSHAKE
        await connection.call_tool("t", {})
    assert server.methods == ["initialize", "notifications/initialized", "tools/call"]


async def answers(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"a": "Ann"})


async def test_a_server_of_both_that_opens_no_session_is_spoken_to_so_that_it_can_ask() -> None:
    server = Modern({"initialize": [greeting], "notifications/initialized": [plain(202)]})
    server.answers["tools/call"] = [asks(who=FORM), done]
    async with connected(server, elicitation=answers) as connection:
        assert connection.era is STATELESS
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods()[-3:] == ["server/discover", "tools/call", "tools/call"]


async def test_a_connection_that_nobody_answers_does_not_look_whether_a_server_could_ask() -> None:
    server = Modern({"initialize": [greeting], "notifications/initialized": [plain(202)]})
    async with connected(server) as connection:
        assert connection.era is HANDSHAKE
    assert "server/discover" not in server.methods()


@pytest.mark.parametrize("answer", [plain(404), plain(500), refused(-32601, 200), odd.ok])
async def test_a_server_without_sessions_that_speaks_nothing_else_is_used_as_it_is(answer: Answer) -> None:
    server = Modern({"initialize": [greeting], "notifications/initialized": [plain(202)]})
    server.answers["server/discover"] = [answer]
    async with connected(server, elicitation=answers) as connection:
        assert connection.era is HANDSHAKE
        server.answers["tools/call"] = [odd.ok]
        assert result_text(await connection.call_tool("t", {})) == "fine"
    assert server.methods().count("initialize") == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, SignInRequiredError),
        (403, AccessDeniedError),
        (429, ServerUnavailableError),
        (500, ServerUnavailableError),
        (503, ServerUnavailableError),
    ],
)
async def test_other_refusals_say_nothing_of_the_era(status: int, error: type[BridgeError]) -> None:
    server = Modern({"initialize": [plain(status)]})
    with pytest.raises(error):
        async with connected(server):
            pass
    assert server.methods() == ["initialize"]


async def test_what_speaks_in_neither_way_is_told_by_its_answer_to_the_handshake() -> None:
    server = Modern({"initialize": [refused(-32000)], "server/discover": [plain(500)]})
    with pytest.raises(ProtocolError) as caught:
        async with connected(server):
            pass
    assert caught.value.code == -32000
    assert server.methods() == ["initialize", "server/discover"]


async def test_a_server_of_later_revisions_only_is_told_by_the_revisions() -> None:
    unsupported = refused(-32022, data={"supported": ["2027-01-01"], "requested": "2026-07-28"})
    server = Modern({"initialize": [unsupported], "server/discover": [unsupported]})
    with pytest.raises(ProtocolError) as caught:
        async with connected(server):
            pass
    assert caught.value.data["supported"] == ["2027-01-01"]
    assert server.methods() == ["initialize", "server/discover"]


@pytest.fixture
async def known() -> Any:
    """Return a connection to a server without sessions, and the server."""
    server = Modern()
    async with connected(server) as connection:
        yield connection, server


async def test_once_found_it_is_kept_when_the_connection_is_opened_again(
    known: tuple[McpConnection, Modern],
) -> None:
    connection, server = known
    await connection.aclose()
    server.seen.clear()
    await connection.call_tool("t", {})
    assert server.methods() == ["server/discover", "tools/call"]


async def test_a_server_that_has_sessions_since_is_found_to(known: tuple[McpConnection, Modern]) -> None:
    connection, server = known
    unsupported = refused(-32022, data={"supported": ["2025-11-25"], "requested": "2026-07-28"})
    server.answers = {
        "tools/call": [unsupported, odd.ok],
        "server/discover": [unsupported],
        "initialize": [greeting],
        "notifications/initialized": [plain(202)],
    }
    with pytest.raises(ProtocolError):
        await connection.call_tool("t", {})
    assert result_text(await connection.call_tool("t", {})) == "fine"
    assert connection.era is HANDSHAKE
    assert len(server.calls()) == 2


async def test_a_version_that_is_refused_although_it_is_supported_is_asked_for_again() -> None:
    first = refused(-32022, data={"supported": ["2026-07-28"]})
    server = Modern({"server/discover": [first, odd_description]})
    async with connected(server) as connection:
        assert connection.era is STATELESS
    assert server.methods() == ["initialize", "server/discover", "server/discover"]


def odd_description(message: dict[str, Any]) -> web.Response:
    if "_meta" not in message["params"]:
        return failed(message, -32602, "no _meta")
    said = {"supportedVersions": ["2026-07-28", "2025-11-25"], "capabilities": None, "instructions": 5}
    return web.json_response(odd.rpc(message, said))
