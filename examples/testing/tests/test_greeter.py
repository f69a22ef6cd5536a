"""What matters of the greeter, tried as a client would: over HTTP, with real tokens."""

from typing import Any

import pytest

from mcpsecurity.client import InsufficientScopeError, SignInRequiredError
from mcpsecurity.testing import Answers, FaultSwitches, HttpClients, McpSessions, ServedMcp


async def test_it_greets_who_is_signed_in(mcp_session: McpSessions) -> None:
    for user, name in (("alice", "Alice Adams"), ("bob", "Bob Brown")):
        async with mcp_session(user) as session:
            result = await session.call_tool("greet", {})
        assert result.structuredContent == {"result": f"Hello, {name}"}


async def test_it_asks_before_it_writes(mcp_session: McpSessions) -> None:
    answers = Answers({"text": "Well done!"}, "decline")
    async with mcp_session("alice", elicitation=answers) as session:
        written = await session.call_tool("write_card", {"recipient": "Bob"})
        declined = await session.call_tool("write_card", {"recipient": "Bob"})
    assert [question.message for question in answers.asked] == ["A card for Bob"] * 2
    assert written.structuredContent == {"result": "To Bob: Well done!"}
    assert declined.structuredContent == {"result": "no card"}


async def test_deleting_needs_another_scope(mcp_session: McpSessions) -> None:
    async with mcp_session("alice") as session:
        with pytest.raises(InsufficientScopeError, match="mcp:admin"):
            await session.call_tool("delete_all_cards", {})
    async with mcp_session("alice", scope="mcp:tools mcp:admin") as session:
        assert not (await session.call_tool("delete_all_cards", {})).isError


@pytest.mark.parametrize(
    "wrong",
    [
        {"expired": True},
        {"not_yet_valid": True},
        {"audience": "00000003-0000-0000-c000-000000000000"},
        {"tampered": True},
        {"iss": "https://login.example/v2.0"},
    ],
)
async def test_wrong_tokens_are_refused(mcp_session: McpSessions, wrong: dict[str, Any]) -> None:
    with pytest.raises(SignInRequiredError):
        async with mcp_session("alice", **wrong):
            pass


def test_an_application_without_a_person_is_refused(http_client: HttpClients) -> None:
    response = http_client(app_only=True).post("/mcp", json={})
    assert response.status_code == 403
    assert "insufficient_scope" in response.headers["WWW-Authenticate"]


def test_nobody_is_told_where_to_sign_in(http_client: HttpClients, mcp_server: ServedMcp) -> None:
    response = http_client(None).post("/mcp", json={})
    assert response.status_code == 401
    assert mcp_server.scope in response.headers["WWW-Authenticate"]


async def test_it_goes_on_when_the_tenant_changes_its_keys(
    mcp_session: McpSessions, faults: FaultSwitches
) -> None:
    faults.rotate_keys()
    async with mcp_session("alice") as session:
        assert not (await session.call_tool("greet", {})).isError
