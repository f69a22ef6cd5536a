"""Every tool gives the same, does the same and leaves the same audit lines with a session and without."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from mcp import ClientSession, types
from mcp.client.streamable_http import streamable_http_client
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.conftest import CANCEL, DECLINE, accept
from tests.server.meteo import ControlledMeteo
from tests.server.protected import ProtectedServer

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity_server.settings import ApprovalPolicy

START = 1780315200  # 2026-06-01, 12:00 UTC
YES = accept(approve=True)
ILLINOIS = "Springfield, Illinois, United States"
TRIP = {
    "destination": "Zurich",
    "start_date": "2026-06-02",
    "end_date": "2026-06-04",
    "travellers": 2,
    "interests": ["museums", "nature"],
}
PART = {name: TRIP[name] for name in ("start_date", "end_date", "interests")}

Answers = Sequence[types.ElicitResult]
CALLS: list[tuple[str, dict[str, Any], Answers]] = [
    ("get_random_number", {"min": 3, "max": 4}, [YES]),
    ("get_random_number", {"min": 3, "max": 4}, [accept(approve=False)]),
    ("get_random_number", {"min": 3, "max": 4}, [DECLINE]),
    ("get_random_number", {"min": 3, "max": 4}, [CANCEL]),
    ("get_random_number", {"min": 4, "max": 3}, []),
    ("get_random_number_from_date_time", {}, [YES]),
    ("get_random_number_from_date_time", {"datetime": "2025-12-24"}, [YES]),
    ("get_current_date_time", {"time_zone": "Europe/Zurich"}, [YES]),
    ("get_city_weather", {"city": "Zurich"}, [YES]),
    ("get_city_weather", {}, [accept(city="Cologne")]),
    ("get_city_weather", {}, [accept(city="Springfield"), accept(place=ILLINOIS)]),
    ("get_city_weather", {"city": "Springfield"}, [YES, accept(place=ILLINOIS)]),
    ("get_city_weather", {"city": "Springfield"}, [YES, DECLINE]),
    ("get_city_weather", {}, [accept(city=5)]),
    ("plan_trip", TRIP, [YES]),
    ("plan_trip", PART, [accept(destination="Springfield", travellers=1), accept(place=ILLINOIS)]),
    ("plan_trip", {}, [CANCEL]),
    ("who_am_i", {}, [YES]),
    ("who_am_i", {}, [DECLINE]),
    ("get_my_profile", {}, [YES]),
    ("get_my_profile", {}, [DECLINE]),
]


@dataclass
class Trace:
    """What a call came to: result, questions, progress, what it did elsewhere, audit lines."""

    result: Any = None
    asked: list[str] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    did: list[Any] = field(default_factory=list)
    audited: list[Any] = field(default_factory=list)


class Person:
    """Answers in order. Thinking takes three seconds."""

    def __init__(self, answers: Answers, clock: MovableClock, trace: Trace) -> None:
        self._answers = list(answers)
        self._clock = clock
        self._trace = trace

    async def __call__(
        self,
        context: Any,  # noqa: ARG002 - the SDK's signature
        params: types.ElicitRequestParams,
    ) -> types.ElicitResult:
        return self.answer(params.model_dump(mode="json"))

    def answer(self, params: dict[str, Any]) -> types.ElicitResult:
        self._trace.asked.append(json.dumps([params["message"], params["requestedSchema"]], sort_keys=True))
        self._clock.stop_at(self._clock.wall() + 3)
        return self._answers.pop(0)


@pytest.fixture(scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("cloud")
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=folder)) as cloud:
        yield cloud


@pytest.fixture
def audit(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "mcpsecurity.audit")
    return caplog


def server_of(
    cloud: LocalCloud, meteo: ControlledMeteo, tenant: ControlledTenant, clock: MovableClock, **settings: Any
) -> ProtectedServer:
    values = {
        "authority": cloud.authority,
        "tenant_id": cloud.tenant_id,
        "client_id": cloud.api_client_id,
        "ca_file": cloud.ca_file,
        "graph_url": cloud.authority,
        "client_secret": cloud.api_client_secret,
        "forecast_url": meteo.url,
        "geocoding_url": meteo.url,
    }
    return ProtectedServer(tenant, clock, **(values | settings))


async def with_session(
    server: ProtectedServer, token: str, tool: str, arguments: dict[str, Any], person: Person, trace: Trace
) -> None:
    async def report(progress: float, total: float | None, message: str | None) -> None:
        trace.progress.append(progress)

    async with (
        httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=60) as http,
        streamable_http_client(f"{server.origin}/mcp", http_client=http) as (reading, writing, _),
        ClientSession(reading, writing, elicitation_callback=person) as session,
    ):
        await session.initialize()
        result = await session.call_tool(tool, arguments, progress_callback=report)
    trace.result = result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def request(
    server: ProtectedServer,
    token: str,
    method: str,
    params: dict[str, Any],
    *,
    headers: dict[str, str] | None = None,
    **capabilities: Any,
) -> tuple[int, list[Any]]:
    """Send one request without a session; return the status and all messages of the answer."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities,
        "progressToken": 1,
    }
    sent = {
        "Authorization": f"Bearer {token}",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        **(headers or {}),
    } | ({"Mcp-Name": params["name"]} if "name" in params else {})
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": meta}}
    answer = await server.request("POST", "/mcp", sent, orjson.dumps(body))
    if answer.headers["content-type"].startswith("application/json"):
        return answer.status, [answer.json()]
    lines = answer.body.decode().splitlines()
    return answer.status, [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


async def without_session(
    server: ProtectedServer, token: str, tool: str, arguments: dict[str, Any], person: Person, trace: Trace
) -> None:
    retry: dict[str, Any] = {}
    while True:
        params = {"name": tool, "arguments": arguments} | retry
        _, messages = await request(server, token, "tools/call", params, elicitation={"form": {}})
        trace.progress += [message["params"]["progress"] for message in messages[:-1]]
        result = messages[-1]["result"]
        if result["resultType"] == "complete":
            break
        answers = {
            key: person.answer(question["params"]).model_dump(mode="json", exclude_none=True)
            for key, question in result["inputRequests"].items()
        }
        retry = {"inputResponses": answers, "requestState": result["requestState"]}
    trace.result = {key: value for key, value in result.items() if key not in ("resultType", "_meta")}


@pytest.mark.parametrize(("tool", "arguments", "answers"), CALLS)
async def test_a_call_is_the_same_in_both_eras(
    cloud: LocalCloud,
    meteo: ControlledMeteo,
    tenant: ControlledTenant,
    clock: MovableClock,
    audit: pytest.LogCaptureFixture,
    tool: str,
    arguments: dict[str, Any],
    answers: Answers,
) -> None:
    token = cloud.access_token(iat=START - 60, nbf=START - 60, exp=START + 3600)
    traces = []
    async with server_of(cloud, meteo, tenant, clock) as server:
        for era in (with_session, without_session):
            clock.stop_at(START)
            meteo.queries.clear()
            meteo.hosts.clear()
            audit.clear()
            trace = Trace()
            await era(server, token, tool, arguments, Person(answers, clock, trace), trace)
            trace.did = [*meteo.hosts, *meteo.queries]
            trace.audited = [
                {key: event[key] for key in ("event", "tool", "outcome", "user", "tenant", "client")}
                for record in audit.records
                if record.name == "mcpsecurity.audit" and (event := record.__dict__["event"])
            ]
            traces.append(trace)
    session, stateless = traces
    rounds = [line for line in stateless.audited if line["outcome"] == "input_required"]
    stateless.audited = [line for line in stateless.audited if line["outcome"] != "input_required"]
    assert stateless == session
    assert len(session.audited) == 1
    assert len(session.asked) == len(answers) == len(rounds)


async def test_the_comparison_leaves_no_tool_out(
    cloud: LocalCloud, meteo: ControlledMeteo, tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with server_of(cloud, meteo, tenant, clock) as server:
        _, (listed,) = await request(server, cloud.access_token(), "tools/list", {})
    assert {tool["name"] for tool in listed["result"]["tools"]} == {tool for tool, _, _ in CALLS}


@pytest.mark.parametrize("approval", ["when-supported", "required"])
async def test_a_client_that_cannot_be_asked_is_told_so_if_approval_is_required(
    cloud: LocalCloud,
    meteo: ControlledMeteo,
    tenant: ControlledTenant,
    clock: MovableClock,
    approval: ApprovalPolicy,
) -> None:
    async with server_of(cloud, meteo, tenant, clock, approval=approval) as server:
        params = {"name": "get_random_number", "arguments": {"min": 3, "max": 4}}
        status, (answer,) = await request(server, cloud.access_token(), "tools/call", params)
    if approval == "required":
        assert (status, answer["error"]["code"]) == (400, -32021)
        assert answer["error"]["data"] == {"requiredCapabilities": {"elicitation": {}}}
    else:
        assert answer["result"]["structuredContent"]["number"] == 3


async def test_a_state_is_of_no_use_to_another_person_or_application(
    cloud: LocalCloud, meteo: ControlledMeteo, tenant: ControlledTenant, clock: MovableClock
) -> None:
    params = {"name": "get_random_number", "arguments": {"min": 3, "max": 4}}
    async with server_of(cloud, meteo, tenant, clock) as server:
        token = cloud.access_token()
        _, (asked,) = await request(server, token, "tools/call", params, elicitation={})
        (key,) = asked["result"]["inputRequests"]
        answers = {key: {"action": "accept", "content": {"approve": True}}}
        retry = params | {"inputResponses": answers, "requestState": asked["result"]["requestState"]}
        others = [
            cloud.access_token("bob@contoso.example"),
            cloud.access_token(azp="99999999-0000-4000-8000-000000000000"),
        ]
        for other in others:
            status, (refused,) = await request(server, other, "tools/call", retry, elicitation={})
            assert (status, refused["error"]["code"]) == (400, -32602)
            assert refused["error"]["message"] == "Invalid or expired requestState"
        _, (done,) = await request(server, token, "tools/call", retry, elicitation={})
    assert done["result"]["structuredContent"]["number"] == 3


async def test_a_token_is_needed_and_a_tools_scope_as_well(
    cloud: LocalCloud, meteo: ControlledMeteo, tenant: ControlledTenant, clock: MovableClock
) -> None:
    scopes = {"get_random_number": ("random:read",)}
    params = {"name": "get_random_number", "arguments": {}}
    async with server_of(cloud, meteo, tenant, clock, tool_scopes=scopes) as server:
        status, _ = await request(server, "none", "tools/list", {})
        assert status == 401
        status, _ = await request(server, cloud.access_token(), "tools/call", params)
        assert status == 403


async def test_a_method_that_is_not_there_is_no_denied_session(
    cloud: LocalCloud,
    meteo: ControlledMeteo,
    tenant: ControlledTenant,
    clock: MovableClock,
    audit: pytest.LogCaptureFixture,
) -> None:
    async with server_of(cloud, meteo, tenant, clock) as server:
        extra = {"Mcp-Session-Id": "made-up"}
        status, _ = await request(server, cloud.access_token(), "ping", {}, headers=extra)
    assert status == 404
    assert [record for record in audit.records if record.name == "mcpsecurity.audit"] == []


async def test_workers_that_share_a_key_continue_each_others_calls(
    cloud: LocalCloud, meteo: ControlledMeteo, tenant: ControlledTenant, clock: MovableClock
) -> None:
    old, new = "o" * 40, "n" * 40
    params = {"name": "get_random_number", "arguments": {"min": 3, "max": 4}}
    token = cloud.access_token()
    async with (
        server_of(cloud, meteo, tenant, clock, state_keys=old) as first,
        server_of(cloud, meteo, tenant, clock, state_keys=f"{new} {old}") as second,
        server_of(cloud, meteo, tenant, clock) as stranger,
    ):
        _, (asked,) = await request(first, token, "tools/call", params, elicitation={})
        (key,) = asked["result"]["inputRequests"]
        answers = {key: {"action": "accept", "content": {"approve": True}}}
        retry = params | {"inputResponses": answers, "requestState": asked["result"]["requestState"]}
        _, (done,) = await request(second, token, "tools/call", retry, elicitation={})
        status, (refused,) = await request(stranger, token, "tools/call", retry, elicitation={})
    assert done["result"]["structuredContent"]["number"] == 3
    assert (status, refused["error"]["code"]) == (400, -32602)
