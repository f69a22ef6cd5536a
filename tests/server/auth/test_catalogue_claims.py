"""The catalogue of token cases, 22 to 36: times, issuer, audience, permissions and policy."""

import time
from typing import Any

import pytest
from tests.oidc.tenant import (
    API_CLIENT_ID,
    OTHER_TENANT_ID,
    TENANT_ID,
    WEB_CLIENT_ID,
    ControlledTenant,
    MovableClock,
    sign,
)
from tests.server.protected import Answer, ProtectedServer

GRAPH = "00000003-0000-0000-c000-000000000000"
FUTURE = 4_102_444_800


async def _with_claims(protected: ProtectedServer, tenant: ControlledTenant, **changes: Any) -> Answer:
    return await protected.call(tenant.access_token(**changes))


async def test_case_22_expired_beyond_the_leeway_and_the_boundary_itself(
    protected: ProtectedServer, tenant: ControlledTenant, clock: MovableClock
) -> None:
    expiry = int(time.time())
    token = tenant.access_token(exp=expiry)
    clock.stop_at(expiry + 59.9)
    assert (await protected.call(token)).status == 200
    for late in (60, 61, 3600):
        clock.stop_at(expiry + late)
        protected.assert_invalid_token(await protected.call(token))
        fresh = tenant.access_token(exp=expiry, uti=f"not remembered {late}")
        protected.assert_invalid_token(await protected.call(fresh))


@pytest.mark.parametrize("value", [None, "4102444800", True, float("inf"), float("nan"), [FUTURE], -1, 1e400])
async def test_case_23_exp_missing_string_bool_or_infinite(
    protected: ProtectedServer, tenant: ControlledTenant, value: object
) -> None:
    protected.assert_invalid_token(await _with_claims(protected, tenant, exp=value))


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("value", [FUTURE, "1", True, [1]])
async def test_case_24_nbf_or_iat_in_the_future_or_no_number(
    protected: ProtectedServer, tenant: ControlledTenant, name: str, value: object
) -> None:
    protected.assert_invalid_token(await _with_claims(protected, tenant, **{name: value}))


async def test_case_24_iat_missing_and_nbf_missing(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    protected.assert_invalid_token(await _with_claims(protected, tenant, iat=None))
    assert (await _with_claims(protected, tenant, nbf=None)).status == 200, "RFC 9068 does not ask for it"
    protected.assert_invalid_token(await protected.call(sign(tenant.access_claims() | {"nbf": None})))


async def test_case_25_issuer_wrong_missing_or_alike(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    for issuer in (
        None,
        5,
        "",
        f"{tenant.issuer}/",
        tenant.issuer.upper(),
        tenant.issuer.replace("https", "http"),
        tenant.issuer.replace("127.0.0.1", "127.0.0.1.attacker.example"),
        f"https://login.microsoftonline.us/{TENANT_ID}/v2.0",
        f"{tenant.authority}/{{tenantid}}/v2.0",
        [tenant.issuer],
    ):
        protected.assert_invalid_token(await _with_claims(protected, tenant, iss=issuer))


async def test_case_26_other_tenant_or_tid_that_disagrees_with_the_issuer(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    other = f"{tenant.authority}/{OTHER_TENANT_ID}/v2.0"
    for change in (
        {"tid": OTHER_TENANT_ID, "iss": other},
        {"tid": OTHER_TENANT_ID},
        {"iss": other},
        {"tid": None},
        {"tid": [TENANT_ID]},
    ):
        protected.assert_invalid_token(await _with_claims(protected, tenant, **change))


async def test_case_27_version_one_unless_enabled_and_version_that_disagrees(
    protected: ProtectedServer, tenant: ControlledTenant, clock: MovableClock
) -> None:
    sts = f"https://sts.windows.net/{TENANT_ID}/"
    first = {"ver": "1.0", "iss": sts, "aud": f"api://{API_CLIENT_ID}", "azp": None, "appid": WEB_CLIENT_ID}
    for change in (first, {"ver": None}, {"ver": "3.0"}, {"ver": 2.0}, {"iss": sts}, {"ver": "1.0"}):
        protected.assert_invalid_token(await _with_claims(protected, tenant, **change))
    async with ProtectedServer(tenant, clock, accept_v1_tokens=True) as enabled:
        assert (await _with_claims(enabled, tenant, **first)).status == 200
        assert (await _with_claims(enabled, tenant)).status == 200
        for change in (
            {"iss": sts},
            {"ver": "1.0"},
            first | {"iss": f"https://sts.windows.net/{OTHER_TENANT_ID}/"},
            first | {"aud": f"api://{WEB_CLIENT_ID}"},
            {"aud": f"api://{API_CLIENT_ID}"},
        ):
            enabled.assert_invalid_token(await _with_claims(enabled, tenant, **change))


async def test_case_28_audience_of_another_missing_alike_or_a_list(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    for audience in (
        GRAPH,
        "https://graph.microsoft.com",
        WEB_CLIENT_ID,
        None,
        API_CLIENT_ID[:-1],
        API_CLIENT_ID + "0",
        API_CLIENT_ID.upper(),
        [API_CLIENT_ID],
        [API_CLIENT_ID, GRAPH],
        protected.settings.url,
    ):
        protected.assert_invalid_token(await _with_claims(protected, tenant, aud=audience))


async def test_case_29_id_token_of_our_client(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    protected.assert_invalid_token(await protected.call(sign(tenant.id_claims())))


async def test_case_30_id_token_when_one_registration_serves_both(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    token = sign(tenant.id_claims(aud=API_CLIENT_ID))
    protected.assert_insufficient_scope(await protected.call(token))


@pytest.mark.parametrize(
    "change",
    [
        {"idtyp": "app", "scp": None, "roles": ["mcp.call"]},
        {"scp": None, "roles": ["mcp.call"]},
        {"scp": None, "roles": ["mcp:tools"]},
        {"idtyp": "app"},
    ],
)
async def test_case_31_app_only(
    protected: ProtectedServer, tenant: ControlledTenant, change: dict[str, Any]
) -> None:
    protected.assert_insufficient_scope(await _with_claims(protected, tenant, **change))


@pytest.mark.parametrize(
    "change",
    [{"scp": None}, {"scp": ["mcp:tools"]}, {"scp": None, "scope": "mcp:tools"}, {"scp": ""}, {"scp": 1}],
)
async def test_case_32_scp_missing_null_a_list_or_only_scope(
    protected: ProtectedServer, tenant: ControlledTenant, change: dict[str, Any]
) -> None:
    protected.assert_insufficient_scope(await _with_claims(protected, tenant, **change))


async def test_case_32_scp_null(protected: ProtectedServer, tenant: ControlledTenant) -> None:
    claims = tenant.access_claims() | {"scp": None}
    protected.assert_insufficient_scope(await protected.call(sign(claims)))


@pytest.mark.parametrize(
    "scp",
    [
        "mcp:tools2",
        "mcp:tool",
        "MCP:TOOLS",
        "mcp:tools,other",
        f"api://{API_CLIENT_ID}/mcp:tools",
        "xmcp:tools y",
        "other\tmcp:tools",
        "other\nmcp:tools",
        "other\u00a0mcp:tools",
        "mcp:tools\r",
    ],
)
async def test_case_33_scp_substring_wrong_case_full_uri_or_other_blanks(
    protected: ProtectedServer, tenant: ControlledTenant, scp: str
) -> None:
    protected.assert_insufficient_scope(await _with_claims(protected, tenant, scp=scp))


async def test_case_34_base_scope_present_the_tools_own_missing(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    scopes = {"get_random_number": "random:read random:more", "other": "other:scope"}
    async with ProtectedServer(tenant, clock, tool_scopes=scopes) as protected:
        token = tenant.access_token(scp="mcp:tools random:read")
        session = await protected.session(token)
        answer = await protected.call(token, tool="get_random_number", session=session)
        protected.assert_insufficient_scope(answer, "random:read", "random:more")
        free = await protected.call(token, tool="get_current_date_time", session=session)
        assert free.status == 200
        stepped_up = tenant.access_token(scp="random:more mcp:tools random:read")
        answer = await protected.call(stepped_up, tool="get_random_number", session=session)
        assert answer.status == 200
        assert "number" in answer.json()["result"]["structuredContent"]


@pytest.mark.parametrize("name", ["sub", "oid"])
@pytest.mark.parametrize("value", [None, "", 5, ["x"]])
async def test_case_35_sub_or_oid_missing_or_no_string(
    protected: ProtectedServer, tenant: ControlledTenant, name: str, value: object
) -> None:
    protected.assert_invalid_token(await _with_claims(protected, tenant, **{name: value}))


@pytest.mark.parametrize(
    ("settings", "change", "allowed"),
    [
        ({"allow_guests": False}, {"acct": 1}, {"acct": 0}),
        (
            {"allow_guests": False},
            {"idp": f"https://sts.windows.net/{OTHER_TENANT_ID}/"},
            {"idp": f"https://sts.windows.net/{TENANT_ID}/"},
        ),
        ({"allowed_clients": (WEB_CLIENT_ID,)}, {"azp": OTHER_TENANT_ID}, {"azp": WEB_CLIENT_ID}),
        ({"allowed_clients": (WEB_CLIENT_ID,)}, {"azp": None}, {}),
        ({"required_roles": ("Reader", "Writer")}, {"roles": ["Other"]}, {"roles": ["Other", "Writer"]}),
        ({"required_roles": ("Reader",)}, {}, {"roles": ["Reader"]}),
    ],
)
async def test_case_36_guest_client_or_role_refused_by_policy(
    tenant: ControlledTenant,
    clock: MovableClock,
    settings: dict[str, Any],
    change: dict[str, Any],
    allowed: dict[str, Any],
) -> None:
    async with ProtectedServer(tenant, clock, **settings) as protected:
        answer = await _with_claims(protected, tenant, **change)
        assert answer.status == 403
        assert answer.challenge is None, "no other token would help"
        assert answer.json()["error"] == "access_denied"
        assert (await _with_claims(protected, tenant, **allowed)).status == 200


async def test_case_52_several_application_id_uris(tenant: ControlledTenant, clock: MovableClock) -> None:
    uris = f"api://{API_CLIENT_ID} https://mcp.contoso.com/mcp"
    async with ProtectedServer(tenant, clock, app_id_uri=uris, accept_v1_tokens=True) as protected:
        v1 = {
            "ver": "1.0",
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "azp": None,
            "appid": WEB_CLIENT_ID,
        }
        for uri in uris.split():
            assert (await _with_claims(protected, tenant, **v1, aud=uri)).status == 200
        answer = await _with_claims(protected, tenant, **v1, aud=uris)
        assert answer.status == 401
        assert (await _with_claims(protected, tenant, **v1, aud="https://mcp.contoso.com")).status == 401
        document = (await protected.request("GET", "/.well-known/oauth-protected-resource")).json()
        assert document["scopes_supported"] == [f"api://{API_CLIENT_ID}/mcp:tools"]
