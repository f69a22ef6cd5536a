"""The catalogue of token cases, 41 to 47: agents of Microsoft Entra Agent ID."""

import asyncio
import json
import logging
from typing import Any

import orjson
import pytest
from mcp.server.fastmcp import Context, FastMCP
from pydantic import BaseModel
from tests.oidc.tenant import TENANT_ID, WEB_CLIENT_ID, ControlledTenant, MovableClock
from tests.server.protected import INITIALIZE, Answer, ProtectedServer

AGENT = "dddddddd-0000-4000-8000-000000000004"
PARENT = "eeeeeeee-0000-4000-8000-000000000005"
FOR_PERSON = {"azp": AGENT, "idtyp": "user", "xms_act_fct": "3 9 11", "xms_par_app_azp": PARENT}
AS_ITSELF = FOR_PERSON | {"oid": "oid-of-agent", "sub": "sub-of-agent", "xms_sub_fct": "13 3"}
ASKS: dict[str, Any] = {"elicitation": {}}


def _refused(answer: Answer, reason: str, audit: pytest.LogCaptureFixture) -> dict[str, Any]:
    """403 without a challenge: no other token of this caller would help; the log says why."""
    assert answer.status == 403, answer
    assert answer.challenge is None
    assert answer.json()["error"] == "access_denied"
    event = _events(audit)[-1]
    assert event["reason"] == reason
    return event


def _events(audit: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(r.getMessage()) for r in audit.records if r.name == "mcpsecurity.audit"]


@pytest.fixture
def audit(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "mcpsecurity.audit")
    return caplog


async def test_case_41_an_agents_own_account_is_refused_by_default(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    for facets in ("13", "3 13", "13 9 3", "11 3"):
        token = tenant.access_token(**AS_ITSELF | {"xms_sub_fct": facets})
        event = _refused(await protected.call(token), "agent_not_allowed", audit)
        assert (event["agent"], event["agent_acts_for"], event["agent_parent"]) == (AGENT, "itself", PARENT)
        assert (event["user"], event["tenant"]) == ("oid-of-agent", TENANT_ID)
    assert (await protected.call(tenant.access_token(xms_sub_fct="3 113 1"))).status == 200


@pytest.mark.parametrize("listed", [AGENT, PARENT, AGENT.upper()])
async def test_case_42_an_agents_own_account_is_let_in_if_it_or_its_parent_is_listed(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture, listed: str
) -> None:
    async with ProtectedServer(tenant, clock, allowed_agents=listed) as protected:
        answer = await protected.stateless_tool(tenant.access_token(**AS_ITSELF), "who_am_i")
        told = answer.json()["result"]["structuredContent"]["agent"]
        assert told == {"client_id": AGENT, "parent_id": PARENT, "acts_for": "itself"}
        event = _events(audit)[-1]
        assert (event["event"], event["tool"], event["outcome"]) == ("tool_call", "who_am_i", "ok")
        assert (event["agent"], event["agent_acts_for"], event["agent_parent"]) == (AGENT, "itself", PARENT)
        other = tenant.access_token(**AS_ITSELF | {"azp": TENANT_ID, "xms_par_app_azp": TENANT_ID})
        _refused(await protected.call(other), "agent_not_allowed", audit)


async def test_case_43_an_agent_that_acts_for_a_person_is_told_apart_and_let_in(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    answer = await protected.stateless_tool(tenant.access_token(**FOR_PERSON), "who_am_i")
    told = answer.json()["result"]["structuredContent"]
    assert told["agent"] == {"client_id": AGENT, "parent_id": PARENT, "acts_for": "person"}
    assert told["username"] == "alice@contoso.example"
    event = _events(audit)[-1]
    assert (event["user"], event["agent_acts_for"], event["agent_parent"]) == (
        "oid-of-alice",
        "person",
        PARENT,
    )
    await protected.call(tenant.access_token())
    await protected.stateless_tool(tenant.access_token(), "who_am_i")
    assert "agent" not in _events(audit)[-1]


async def test_case_44_an_agent_that_acts_for_a_person_can_be_refused(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture
) -> None:
    async with ProtectedServer(tenant, clock, agents_for_people=False, allowed_agents=AGENT) as protected:
        answer = await protected.call(tenant.access_token(**FOR_PERSON))
        _refused(answer, "agent_for_person_not_allowed", audit)
        assert (await protected.call(tenant.access_token(**AS_ITSELF))).status == 200
        assert (await protected.call(tenant.access_token())).status == 200


@pytest.mark.parametrize("name", ["xms_sub_fct", "xms_act_fct", "xms_par_app_azp"])
@pytest.mark.parametrize("value", ["", " ", "13,3", "x", "13 x", "13\t3", " 13", 13, [13], ["13"], {}, True])
async def test_case_45_malformed_claims_about_an_agent_are_refused(
    protected: ProtectedServer, tenant: ControlledTenant, name: str, value: object
) -> None:
    protected.assert_invalid_token(await protected.call(tenant.access_token(**FOR_PERSON | {name: value})))


async def test_case_46_a_tool_can_demand_a_person(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture
) -> None:
    settings = {"allowed_agents": AGENT, "human_tools": "who_am_i other"}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        agent = tenant.access_token(**AS_ITSELF)
        _refused(await protected.stateless_tool(agent, "who_am_i"), "human_needed", audit)
        session = await protected.session(agent)
        _refused(await protected.call(agent, tool="who_am_i", session=session), "human_needed", audit)
        assert (await protected.stateless_tool(agent, "get_current_date_time")).status == 200
        for person in (tenant.access_token(), tenant.access_token(**FOR_PERSON)):
            assert (await protected.stateless_tool(person, "who_am_i")).status == 200


@pytest.mark.parametrize(
    ("setting", "itself", "for_person"),
    [("none", False, False), ("for-people", False, True), ("all", True, True)],
)
async def test_case_47_an_agent_answers_no_question_unless_it_is_allowed(
    tenant: ControlledTenant, clock: MovableClock, setting: str, itself: bool, for_person: bool
) -> None:
    settings = {"allowed_agents": AGENT, "agent_answers": setting, "approval": "required"}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        for claims, may in ((AS_ITSELF, itself), (FOR_PERSON, for_person), ({}, True)):
            answer = await protected.stateless_tool(tenant.access_token(**claims), "who_am_i", **ASKS)
            result = answer.json()["result"]
            assert (result["resultType"] == "input_required") is may, result
            if not may:
                assert "needs the approval of a person" in result["content"][0]["text"]


class _Name(BaseModel):
    name: str


def _asking() -> FastMCP[Any]:
    """Return a program that asks a person by itself, without this product's `Elicitor`."""
    mcp: FastMCP[Any] = FastMCP("asks")

    @mcp.tool()
    async def ask(context: Context[Any, Any, Any]) -> str:
        """Ask for a name."""
        return (await context.elicit("Your name?", _Name)).action

    return mcp


@pytest.mark.parametrize(
    ("setting", "itself", "for_person"),
    [("none", False, False), ("for-people", False, True), ("all", True, True)],
)
async def test_case_47_no_programs_question_reaches_an_agent_that_may_not_answer(
    tenant: ControlledTenant, clock: MovableClock, setting: str, itself: bool, for_person: bool
) -> None:
    settings: dict[str, Any] = {"allowed_agents": AGENT, "agent_answers": setting}
    async with ProtectedServer(tenant, clock, mcp=_asking(), **settings) as protected:
        for claims, may in ((AS_ITSELF, itself), (FOR_PERSON, for_person), ({}, True)):
            token = tenant.access_token(**claims)
            answer = await protected.stateless_tool(token, "ask", **ASKS)
            assert (answer.json()["result"]["resultType"] == "input_required") is may, answer
            told = await _first_words(protected, token)
            assert (b"elicitation/create" in told) is may, told
            for refused in () if may else (answer.body, told):
                assert b"Only a person may answer this question" in refused


async def _first_words(protected: ProtectedServer, token: str) -> bytes:
    """Call the tool as a client that can ask, and return the server's messages before an answer."""
    begin: dict[str, Any] = INITIALIZE
    begin = begin | {"params": begin["params"] | {"capabilities": ASKS}}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    opened = await protected.request("POST", "/mcp", headers, orjson.dumps(begin))
    headers["Mcp-Session-Id"] = opened.headers["mcp-session-id"]
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "ask"}}
    told = b""
    async with (
        asyncio.timeout(30),
        protected.http.post(f"{protected.origin}/mcp", json=call, headers=headers) as response,
    ):
        while b"name" not in told and b"person" not in told and not response.content.at_eof():
            told += await response.content.readany()
    await protected.request("DELETE", "/mcp", headers)
    return told


async def test_case_36_a_client_of_a_metadata_document_is_named_by_the_id_of_its_agent(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture
) -> None:
    async with ProtectedServer(tenant, clock, allowed_clients=AGENT.upper()) as protected:
        _refused(await protected.call(tenant.access_token(azp=WEB_CLIENT_ID)), "client_not_allowed", audit)
        assert (await protected.call(tenant.access_token(**FOR_PERSON))).status == 200
