"""The catalogue of token cases, 1 to 6 and 37 to 40: how credentials arrive, and who owns a session."""

import orjson
import pytest
from tests.oidc.tenant import ControlledTenant
from tests.server.protected import INITIALIZE, ProtectedServer

BODY = orjson.dumps(INITIALIZE)


async def test_case_01_no_authorization_header(protected: ProtectedServer) -> None:
    protected.assert_unauthenticated(await protected.call())


async def test_case_02_basic_credentials(protected: ProtectedServer) -> None:
    answer = await protected.request("POST", "/mcp", {"Authorization": "Basic YTpi"}, BODY)
    protected.assert_unauthenticated(answer)


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer a b", "bearer a,b", "Bearer ä", "Bearer  a b", 'Bearer "a"']
)
async def test_case_03_bearer_with_empty_several_or_illegal_parts(
    protected: ProtectedServer, value: str
) -> None:
    answer = await protected.request("POST", "/mcp", {"Authorization": value}, BODY)
    protected.assert_refused(answer, 400, "invalid_request")


@pytest.mark.parametrize("other", ["Bearer x", "Basic YTpi"])
async def test_case_04_two_authorization_headers(
    protected: ProtectedServer, tenant: ControlledTenant, other: str
) -> None:
    headers = [("Authorization", f"Bearer {tenant.access_token()}"), ("Authorization", other)]
    answer = await protected.request("POST", "/mcp", headers, BODY)
    protected.assert_refused(answer, 400, "invalid_request")


async def test_case_05_token_only_in_query_or_body(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    token = tenant.access_token()
    in_query = await protected.request("POST", f"/mcp?access_token={token}", None, BODY)
    protected.assert_unauthenticated(in_query)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    in_body = await protected.request("POST", "/mcp", form, f"access_token={token}".encode())
    protected.assert_unauthenticated(in_body)


async def test_case_06_header_and_query_token(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    token = tenant.access_token()
    headers = {"Authorization": f"Bearer {token}"}
    answer = await protected.request("POST", f"/mcp?access_token={token}", headers, BODY)
    protected.assert_refused(answer, 400, "invalid_request")


async def test_a_known_token_is_refused_in_the_forms_that_a_new_one_is(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    token = tenant.access_token()
    known = {"Authorization": f"Bearer {token}"}
    assert (await protected.request("POST", "/mcp", known, BODY)).status == 200
    assert (await protected.request("POST", "/mcp", {"Authorization": f"bEARER {token}"}, BODY)).status == 200
    twice = [("Authorization", f"Bearer {token}")] * 2
    protected.assert_refused(await protected.request("POST", "/mcp", twice, BODY), 400, "invalid_request")
    in_query = await protected.request("POST", f"/mcp?access_token={token}", known, BODY)
    protected.assert_refused(in_query, 400, "invalid_request")
    blanks = {"Authorization": f"Bearer   {token}"}  # RFC 6750, 2.1: one blank or more
    assert (await protected.request("POST", "/mcp", blanks, BODY)).status == 200
    accepts = [("Accept", "application/json"), ("Accept", "text/event-stream"), *known.items()]
    assert (await protected.request("POST", "/mcp", accepts, BODY)).status == 200


async def test_case_37_valid_session_id_but_no_token(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    session = await protected.session(tenant.access_token())
    for method in ("POST", "GET", "DELETE"):
        answer = await protected.request(method, "/mcp", {"Mcp-Session-Id": session}, BODY)
        protected.assert_unauthenticated(answer)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
@pytest.mark.parametrize("change", [{"oid": "oid-of-bob"}, {"azp": "cccccccc-0000-4000-8000-000000000003"}])
async def test_case_38_another_users_or_clients_token_on_a_session(
    protected: ProtectedServer, tenant: ControlledTenant, method: str, change: dict[str, str]
) -> None:
    session = await protected.session(tenant.access_token())
    headers = {"Authorization": f"Bearer {tenant.access_token(**change)}", "Mcp-Session-Id": session}
    body = orjson.dumps({"jsonrpc": "2.0", "id": 3, "method": "ping"})
    answer = await protected.request(method, "/mcp", headers, body if method == "POST" else None)
    assert answer.status == 404
    assert answer.challenge is None


@pytest.mark.parametrize("origin", ["https://attacker.example", "null"])
async def test_case_39_bad_origin_with_a_valid_token(
    protected: ProtectedServer, tenant: ControlledTenant, origin: str
) -> None:
    headers = {"Authorization": f"Bearer {tenant.access_token()}", "Origin": origin}
    answer = await protected.request("POST", "/mcp", headers, BODY)
    assert answer.status == 403
    assert answer.challenge is None
    assert "access-control-allow-origin" not in answer.headers


async def test_case_40_host_that_is_not_allowed(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    headers = {"Authorization": f"Bearer {tenant.access_token()}", "Host": "attacker.example"}
    answer = await protected.request("POST", "/mcp", headers, BODY)
    assert answer.status == 421
    assert answer.challenge is None


async def test_a_good_token_is_let_in_and_the_scheme_has_no_case(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    headers = {"Authorization": f"bEARER {tenant.access_token()}"}
    answer = await protected.request("POST", "/mcp", headers, BODY)
    assert answer.status == 200
