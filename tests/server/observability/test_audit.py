"""The audit log: a line for each refused request and each tool call, with who and how, and nothing secret."""

import json
import logging
import time
from datetime import datetime
from typing import Any

import orjson
import pytest
from tests.oidc.tenant import TENANT_ID, WEB_CLIENT_ID, ControlledTenant, MovableClock
from tests.server.protected import ProtectedServer


@pytest.fixture
def audit(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "mcpsecurity.audit")
    return caplog


def _events(audit: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    events = [json.loads(r.getMessage()) for r in audit.records if r.name == "mcpsecurity.audit"]
    assert events == [r.__dict__["event"] for r in audit.records if r.name == "mcpsecurity.audit"]
    return events


async def _tool(
    protected: ProtectedServer, token: str, session: str, name: str, **arguments: object
) -> dict[str, Any]:
    message = {
        "jsonrpc": "2.0",
        "id": 5,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    headers = {"Authorization": f"Bearer {token}", "Mcp-Session-Id": session}
    answer = await protected.request("POST", "/mcp", headers, orjson.dumps(message))
    result: dict[str, Any] = answer.json()
    return result


async def test_a_refused_request_is_one_line(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    await protected.call(tenant.access_token(exp=1))
    (event,) = _events(audit)
    assert event["event"] == "request_refused"
    assert (event["status"], event["reason"], event["path"]) == (401, "expired", "/mcp")
    assert event["user"] is None
    assert event["correlation_id"] != "-"
    assert event["time"].endswith("+00:00")


async def test_a_record_has_what_records_of_a_logger_have_and_the_times_agree(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    before = time.time()
    for _ in range(2):
        await protected.call(tenant.access_token(exp=1))
    first, second = (r for r in audit.records if r.name == "mcpsecurity.audit")
    usual = logging.makeLogRecord({}).__dict__.keys()
    for record in (first, second):
        assert usual <= record.__dict__.keys()
        assert before <= record.created <= time.time()
        assert 0 <= record.msecs < 1000
        told = datetime.fromisoformat(record.__dict__["event"]["time"]).timestamp()
        assert record.created - 1 < told <= record.created
    assert first.__dict__["event"]["correlation_id"] != second.__dict__["event"]["correlation_id"]
    assert first.getMessage() != second.getMessage()


async def test_a_tool_call_is_one_line_with_person_client_outcome_and_duration(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    token = tenant.access_token()
    session = await protected.session(token)
    await _tool(protected, token, session, "get_random_number", min=41, max=4242)
    (event,) = _events(audit)
    assert (event["event"], event["tool"], event["outcome"]) == ("tool_call", "get_random_number", "ok")
    assert (event["user"], event["tenant"], event["client"]) == ("oid-of-alice", TENANT_ID, WEB_CLIENT_ID)
    assert event["duration_ms"] > 0
    assert "4242" not in audit.text, "arguments are nobody's business"


async def test_bad_arguments_are_an_error_in_the_log_too(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    token = tenant.access_token()
    session = await protected.session(token)
    await _tool(protected, token, session, "get_random_number", min="secret words")
    await _tool(protected, token, session, "get_random_number", min=5, max=1)
    assert [event["outcome"] for event in _events(audit)] == ["error", "error"]
    assert "secret words" not in audit.text


async def test_the_lines_of_one_request_share_a_correlation_id_and_those_of_others_do_not(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture
) -> None:
    async with ProtectedServer(tenant, clock, approval="required") as protected:
        token = tenant.access_token()
        session = await protected.session(token)
        for _ in range(3):
            await _tool(protected, token, session, "get_random_number")
    ids = [event["correlation_id"] for event in _events(audit)]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"Origin": "https://attacker.example"}, 403, "origin_not_allowed"),
        ({"Host": "attacker.example"}, 421, "host_not_allowed"),
        ({"Mcp-Session-Id": "someone-elses"}, 404, "no_such_session"),
    ],
)
async def test_a_caller_with_a_good_token_who_is_denied_is_named(
    protected: ProtectedServer,
    tenant: ControlledTenant,
    audit: pytest.LogCaptureFixture,
    headers: dict[str, str],
    status: int,
    reason: str,
) -> None:
    headers = headers | {"Authorization": f"Bearer {tenant.access_token()}"}
    ping = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    assert (await protected.request("POST", "/mcp", headers, ping)).status == status
    (event,) = _events(audit)
    assert (event["event"], event["status"], event["reason"]) == ("request_refused", status, reason)
    assert (event["user"], event["client"]) == ("oid-of-alice", WEB_CLIENT_ID)
    assert "someone-elses" not in audit.text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"scp": "other"}, "scope_missing"),
        ({"scp": None, "roles": ["x"]}, "app_only"),
        ({"acct": 1}, "guest_not_allowed"),
    ],
)
async def test_who_is_refused_by_permission_or_policy_is_named(
    tenant: ControlledTenant,
    clock: MovableClock,
    audit: pytest.LogCaptureFixture,
    change: dict[str, Any],
    reason: str,
) -> None:
    async with ProtectedServer(tenant, clock, allow_guests=False) as protected:
        assert (await protected.call(tenant.access_token(**change))).status == 403
    (event,) = _events(audit)
    assert (event["reason"], event["user"]) == (reason, "oid-of-alice")
    assert (event["tenant"], event["client"]) == (TENANT_ID, WEB_CLIENT_ID)


async def test_a_missing_path_is_not_recorded_as_a_denial(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {tenant.access_token()}"}
    assert (await protected.request("GET", "/nothing", headers)).status == 404
    assert _events(audit) == []


async def test_without_authentication_calls_have_correlation_ids_too(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture
) -> None:
    async with ProtectedServer(tenant, clock, no_auth=True) as open_server:
        session = await open_server.session("")
        for _ in range(2):
            await _tool(open_server, "", session, "get_random_number")
    ids = {event["correlation_id"] for event in _events(audit)}
    assert len(ids - {"-"}) == 2


async def test_an_audit_log_that_is_turned_off_stays_empty(
    protected: ProtectedServer, tenant: ControlledTenant, audit: pytest.LogCaptureFixture
) -> None:
    audit.set_level(logging.ERROR, "mcpsecurity.audit")
    token = tenant.access_token()
    session = await protected.session(token)
    await _tool(protected, token, session, "get_random_number")
    await protected.call("not a token")
    assert _events(audit) == []


async def test_a_denied_tool_names_the_person(
    tenant: ControlledTenant, clock: MovableClock, audit: pytest.LogCaptureFixture
) -> None:
    scopes = {"get_random_number": "random:read"}
    async with ProtectedServer(tenant, clock, tool_scopes=scopes) as protected:
        token = tenant.access_token()
        session = await protected.session(token)
        await _tool(protected, token, session, "get_random_number")
    (event,) = _events(audit)
    assert (event["status"], event["reason"], event["user"]) == (403, "tool_scope_missing", "oid-of-alice")
