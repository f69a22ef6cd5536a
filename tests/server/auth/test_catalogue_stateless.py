"""The catalogue of token cases again, for revision 2026-07-28, whose requests need no session."""

from typing import Any

import orjson
import pytest
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.protected import Answer, ProtectedServer

VERSION = "2026-07-28"
_PREFIX = "io.modelcontextprotocol/"
META = {f"{_PREFIX}protocolVersion": VERSION, f"{_PREFIX}clientCapabilities": {"elicitation": {"form": {}}}}


async def _call(
    protected: ProtectedServer,
    token: str | None,
    tool: str = "get_current_date_time",
    headers: dict[str, str] | None = None,
    **params: Any,
) -> Answer:
    message = {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"_meta": META, "name": tool, "arguments": {}, **params},
    }
    sent = {"MCP-Protocol-Version": VERSION, "Mcp-Method": "tools/call", "Mcp-Name": tool} | (headers or {})
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    return await protected.request("POST", "/mcp", sent, orjson.dumps(message))


@pytest.fixture
def quiet() -> dict[str, Any]:
    """Settings of a server whose tools do not ask."""
    return {"approval": "never"}


async def test_case_01_no_token(protected: ProtectedServer) -> None:
    protected.assert_unauthenticated(await _call(protected, None))


async def test_a_good_token_is_enough(
    tenant: ControlledTenant, clock: MovableClock, quiet: dict[str, Any]
) -> None:
    async with ProtectedServer(tenant, clock, **quiet) as protected:
        answer = await _call(protected, tenant.access_token(), "who_am_i")
    assert answer.status == 200
    assert answer.json()["result"]["structuredContent"]["username"] == "alice@contoso.example"


@pytest.mark.parametrize("change", [{"exp": 1}, {"aud": "another"}, {"tid": "another"}, {"sub": None}])
async def test_cases_22_to_35_a_token_that_is_not_good(
    protected: ProtectedServer, tenant: ControlledTenant, change: dict[str, Any]
) -> None:
    protected.assert_invalid_token(await _call(protected, tenant.access_token(**change)))


async def test_case_31_app_only(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    token = tenant.access_token(scp=None, roles=["mcp.call"])
    protected.assert_insufficient_scope(await _call(protected, token))


async def test_case_34_the_tools_own_scope_missing(
    tenant: ControlledTenant, clock: MovableClock, quiet: dict[str, Any]
) -> None:
    scopes = {"get_random_number": "random:read random:more"}
    async with ProtectedServer(tenant, clock, tool_scopes=scopes, **quiet) as protected:
        token = tenant.access_token(scp="mcp:tools random:read")
        refused = await _call(protected, token, "get_random_number")
        protected.assert_insufficient_scope(refused, "random:read", "random:more")
        stepped_up = tenant.access_token(scp="mcp:tools random:read random:more")
        assert (await _call(protected, stepped_up, "get_random_number")).status == 200


@pytest.mark.parametrize("change", [{"oid": "oid-of-bob"}, {"azp": "cccccccc-0000-4000-8000-000000000003"}])
async def test_case_38_the_state_of_a_question_is_no_other_persons_or_clients(
    protected: ProtectedServer, tenant: ControlledTenant, change: dict[str, str]
) -> None:
    alice = tenant.access_token()
    asked = (await _call(protected, alice, "who_am_i")).json()["result"]
    assert asked["resultType"] == "input_required"
    (question,) = asked["inputRequests"]
    retry = {
        "requestState": asked["requestState"],
        "inputResponses": {question: {"action": "accept", "content": {"approve": True}}},
    }

    stolen = await _call(protected, tenant.access_token(**change), "who_am_i", **retry)
    own = await _call(protected, tenant.access_token(uti="a fresh token of hers"), "who_am_i", **retry)

    assert "result" not in stolen.json()
    assert own.json()["result"]["structuredContent"]["username"] == "alice@contoso.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "https://attacker.example"}, 403), ({"Host": "attacker.example"}, 421)],
)
async def test_cases_39_and_40_a_bad_origin_or_host(
    protected: ProtectedServer, tenant: ControlledTenant, headers: dict[str, str], status: int
) -> None:
    answer = await _call(protected, tenant.access_token(), headers=headers)
    assert (answer.status, answer.challenge) == (status, None)
