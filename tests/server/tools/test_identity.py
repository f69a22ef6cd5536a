"""Tools that know who calls: `who_am_i` from the token, `get_my_profile` from Graph on her behalf."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.fastmcp import FastMCP
from tests.oidc.tenant import ControlledTenant, MovableClock, client_context
from tests.server.protected import INITIALIZE, Answer, ProtectedServer
from tests.support.certificates import write_certificate
from tests.support.company import company_proxy

from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.localcloud.certificates import ensure_certificates
from mcpsecurity.localcloud.entra.errors import Sts
from mcpsecurity.localcloud.entra.ids import MANAGED_IDENTITY_ID
from mcpsecurity_server.auth.principal import Principal
from mcpsecurity_server.auth.setup import AuthSetup
from mcpsecurity_server.observability.audit import AuditLog
from mcpsecurity_server.tools.identity import WhoAmI
from mcpsecurity_server.transport import mount_mcp

ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CHALLENGE = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'


@pytest.fixture(scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCloud]:
    folder = tmp_path_factory.mktemp("cloud")
    async with LocalCloud(LocalCloudSettings(https_port=0, http_port=0, folder=folder)) as cloud:
        yield cloud


@pytest.fixture
def cloud_settings(cloud: LocalCloud) -> Iterator[dict[str, Any]]:
    """Settings of a server in the cloud, whose faults end with the test."""
    yield {
        "authority": cloud.authority,
        "tenant_id": cloud.tenant_id,
        "client_id": cloud.api_client_id,
        "ca_file": cloud.ca_file,
        "graph_url": cloud.authority,
        "client_secret": cloud.api_client_secret,
    }
    cloud.tenant.faults.clear()


async def _call(protected: ProtectedServer, token: str, tool: str) -> dict[str, Any]:
    session = await protected.session(token)
    answer = await protected.call(token, tool=tool, session=session)
    assert answer.status == 200, answer
    result: dict[str, Any] = answer.json()["result"]
    return result


async def test_who_am_i_tells_what_the_token_says_and_nothing_secret(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    token = tenant.access_token(roles=["Reader"], scp="mcp:tools other")
    result = await _call(protected, token, "who_am_i")
    assert result["structuredContent"] == {
        "name": "Alice Example",
        "username": "alice@contoso.example",
        "tenant_id": "11111111-2222-4333-8444-555555555555",
        "client_id": "bbbbbbbb-0000-4000-8000-000000000002",
        "scopes": ["mcp:tools", "other"],
        "roles": ["Reader"],
        "agent": None,
    }
    assert set(result["structuredContent"]) == set(WhoAmI.model_fields)


async def test_tools_of_any_fastmcp_instance_can_ask_the_sdk_who_calls(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    mcp: FastMCP[None] = FastMCP("another server")

    @mcp.tool()
    async def caller() -> list[str]:
        token = get_access_token()
        assert isinstance(token, Principal)
        return [token.token, token.client_id, *token.scopes, token.object_id, str(token.subject)]

    settings = ProtectedServer(tenant, clock).settings
    app = web.Application()
    AuthSetup(settings, client_context(tenant.ca_file)).install(app, (), AuditLog())
    mount_mcp(app, mcp)
    token = tenant.access_token(scp="mcp:tools other")
    async with TestServer(app, host="127.0.0.1") as server, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
        url = server.make_url("/mcp")
        async with http.post(url, json=INITIALIZE, headers=headers) as response:
            headers["Mcp-Session-Id"] = response.headers["Mcp-Session-Id"]
        call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "caller"}}
        async with http.post(url, json=call, headers=headers) as response:
            result = (await response.json())["result"]
    told = result["structuredContent"]["result"]
    assert told == [
        token,
        "bbbbbbbb-0000-4000-8000-000000000002",
        "mcp:tools",
        "other",
        "oid-of-alice",
        "sub-of-alice",
    ]


async def test_a_caller_shows_no_token_when_printed(tenant: ControlledTenant) -> None:
    token = tenant.access_token()
    caller = Principal.from_claims(token, tenant.access_claims())
    assert token not in repr(caller) + str(caller)
    assert "alice@" not in repr(caller)


async def test_my_profile_is_read_with_a_token_of_its_own(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
        token = cloud.access_token("bob@contoso.example")
        result = await _call(protected, token, "get_my_profile")
    assert not result["isError"], result
    assert result["structuredContent"]["mail"] == "bob@contoso.example"


async def test_my_profile_works_by_a_managed_identity_without_any_secret(
    cloud: LocalCloud,
    cloud_settings: dict[str, Any],
    tenant: ControlledTenant,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in cloud.identity_environment.items():
        monkeypatch.setenv(name, value)
    settings = cloud_settings | {"client_secret": None, "client_identity": "managed"}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        refused = await _call(protected, cloud.access_token(), "get_my_profile")
    assert refused["isError"], "no federated credential says that the identity may stand for the server"
    cloud.tenant.directory.add_federated_credential(cloud.api_client_id, MANAGED_IDENTITY_ID)
    async with ProtectedServer(tenant, clock, **settings) as protected:
        result = await _call(protected, cloud.access_token(), "get_my_profile")
    assert result["structuredContent"]["mail"] == "alice@contoso.example"


async def test_my_profile_works_with_a_certificate_too(
    cloud: LocalCloud,
    cloud_settings: dict[str, Any],
    clock: MovableClock,
    tenant: ControlledTenant,
    tmp_path: Path,
) -> None:
    file = tmp_path / "server.pem"
    cloud.tenant.directory.add_certificate(cloud.api_client_id, write_certificate(file))
    settings = cloud_settings | {"client_secret": None, "client_certificate_file": file}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        result = await _call(protected, cloud.access_token(), "get_my_profile")
    assert result["structuredContent"]["mail"] == "alice@contoso.example"


@pytest.mark.parametrize(
    ("code", "claims", "text"),
    [
        (Sts.MFA_REQUIRED, None, "another step at sign-in"),
        (Sts.OBO_SIGNATURE, None, "Entra ID refused (AADSTS50013)"),
    ],
)
async def test_what_entra_refuses_is_a_clear_tool_error(
    cloud: LocalCloud,
    cloud_settings: dict[str, Any],
    clock: MovableClock,
    tenant: ControlledTenant,
    code: Any,
    claims: str | None,
    text: str,
) -> None:
    cloud.tenant.faults.refuse(code, claims=claims)
    async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
        result = await _call(protected, cloud.access_token(), "get_my_profile")
    assert result["isError"]
    assert text in result["content"][0]["text"]


@pytest.mark.parametrize("seconds", [0.0, pytest.param(0.6, marks=pytest.mark.slow)])
async def test_what_entra_asks_of_the_sign_in_reaches_the_client_as_a_claims_challenge(
    cloud: LocalCloud,
    cloud_settings: dict[str, Any],
    clock: MovableClock,
    tenant: ControlledTenant,
    seconds: float,
) -> None:
    cloud.tenant.faults.delay = seconds  # connections are looked after meanwhile, twice
    async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
        cloud.tenant.faults.refuse(Sts.MFA_REQUIRED, claims=CHALLENGE)
        answer = await protected.stateless_tool(cloud.access_token(), "get_my_profile")
        assert _claims_of(protected, answer) == json.loads(CHALLENGE)
        cloud.tenant.faults.refuse(Sts.MFA_REQUIRED, claims=CHALLENGE)
        answer = await _profile_call(protected, cloud.access_token())
        assert _claims_of(protected, answer) == json.loads(CHALLENGE)
        stepped_up = cloud.access_token(acrs=["c1"])
        assert not (await _call(protected, stepped_up, "get_my_profile"))["isError"], "it can be called again"


@pytest.mark.parametrize("claims", ["[1]", "{", "x" * 5000, "nothing"])
async def test_a_malformed_challenge_of_entra_is_a_tool_error(
    cloud: LocalCloud,
    cloud_settings: dict[str, Any],
    clock: MovableClock,
    tenant: ControlledTenant,
    claims: str,
) -> None:
    cloud.tenant.faults.refuse(Sts.MFA_REQUIRED, claims=claims)
    async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
        result = await _call(protected, cloud.access_token(), "get_my_profile")
    assert "asks for another step at sign-in" in result["content"][0]["text"]


async def _profile_call(protected: ProtectedServer, token: str) -> Answer:
    return await protected.call(token, tool="get_my_profile", session=await protected.session(token))


def _claims_of(protected: ProtectedServer, answer: Answer) -> Any:
    """Return the claims of a challenge, which has to be one of RFC 6750 besides."""
    assert answer.challenge is not None, answer
    claims = json.loads(base64.b64decode(answer.challenge.pop("claims"), validate=True))
    scope = f"{protected.settings.identifier_uri}/mcp:tools"
    protected.assert_refused(answer, 401, "insufficient_claims", scope)
    return claims


async def test_missing_consent_is_told_with_what_to_do(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    cloud.tenant.faults.consent_required = True
    try:
        async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
            result = await _call(protected, cloud.access_token(), "get_my_profile")
    finally:
        cloud.tenant.faults.clear()
    assert result["isError"]
    assert "has no consent to read your profile" in result["content"][0]["text"]
    assert "AADSTS65001" in result["content"][0]["text"]


async def test_a_wrong_secret_of_the_server_is_told_by_its_code(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    settings = cloud_settings | {"client_secret": "wrong"}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        result = await _call(protected, cloud.access_token(), "get_my_profile")
    assert "AADSTS7000215" in result["content"][0]["text"]


async def test_a_graph_that_cannot_be_reached_or_refuses_is_a_tool_error(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    for graph, text in (
        ("https://localhost:1", "cannot be reached"),
        (tenant.authority, "cannot be reached"),
    ):
        settings = cloud_settings | {"graph_url": graph}
        async with ProtectedServer(tenant, clock, **settings) as protected:
            result = await _call(protected, cloud.access_token(), "get_my_profile")
        assert text in result["content"][0]["text"]


async def test_graph_is_asked_through_the_companys_proxy(
    cloud: LocalCloud,
    cloud_settings: dict[str, Any],
    clock: MovableClock,
    tenant: ControlledTenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = cloud_settings | {"graph_url": "https://graph.contoso.example"}
    async with (
        company_proxy(monkeypatch) as company,
        ProtectedServer(tenant, clock, **settings) as protected,
    ):
        assert (await _call(protected, cloud.access_token(), "get_my_profile"))["isError"]
        assert company.asked == {"graph.contoso.example"}, "and the tenant on loopback directly"


async def test_what_a_token_was_exchanged_for_is_remembered_until_it_gets_old(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    token, other = cloud.access_token(), cloud.access_token()
    async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
        assert not (await _call(protected, token, "get_my_profile"))["isError"]
        cloud.tenant.faults.refuse(Sts.CONDITIONAL_ACCESS, grant_type=ON_BEHALF_OF)
        assert not (await _call(protected, token, "get_my_profile"))["isError"], "Entra was not asked again"
        assert (await _call(protected, other, "get_my_profile"))["isError"], "another token is another matter"
        cloud.tenant.faults.refuse(Sts.CONDITIONAL_ACCESS, grant_type=ON_BEHALF_OF)
        clock.offset = 3599 - 300
        late = await _call(protected, cloud.access_token(exp=int(clock.wall()) + 3600), "get_my_profile")
        assert late["isError"]
        assert not (await _call(protected, token, "get_my_profile"))["isError"], "exchanged again"


async def test_a_session_that_was_revoked_is_told_and_its_token_not_used_again(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    """Continuous access evaluation: Graph answers with a claims challenge."""
    authorizations: list[str] = []

    async def me(request: web.Request) -> web.Response:
        authorizations.append(request.headers["Authorization"])
        challenge = 'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="'
        return web.json_response({}, status=401, headers={"WWW-Authenticate": challenge})

    app = web.Application()
    app.router.add_get("/v1.0/me", me)
    certificates = ensure_certificates(cloud.ca_file.parent)
    graph = TestServer(app, scheme="https", host="127.0.0.1")
    await graph.start_server(ssl=certificates.server_context())
    try:
        settings = cloud_settings | {"graph_url": f"https://localhost:{graph.port}"}
        token = cloud.access_token()
        async with ProtectedServer(tenant, clock, **settings) as protected:
            answers = [await _profile_call(protected, token) for _ in range(2)]
    finally:
        await graph.close()
    for answer in answers:
        assert _claims_of(protected, answer) == {"access_token": {}}
    assert len(set(authorizations)) == 4, "each time with another token, made for the challenge"
    assert f"Bearer {token}" not in authorizations, "the incoming token goes nowhere"


async def test_a_tenant_that_cannot_be_reached_is_a_tool_error(
    cloud: LocalCloud, cloud_settings: dict[str, Any], clock: MovableClock, tenant: ControlledTenant
) -> None:
    token = cloud.access_token()
    async with ProtectedServer(tenant, clock, **cloud_settings) as protected:
        await protected.session(token)
        cloud.tenant.faults.down = True
        try:
            result = await _call(protected, token, "get_my_profile")
        finally:
            cloud.tenant.faults.clear()
    assert result["isError"]
    assert "cannot be reached" in result["content"][0]["text"]


async def test_without_authentication_nobody_is_somebody(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, no_auth=True) as open_server:
        result = await _call(open_server, "", "who_am_i")
    assert result["isError"]
    assert "Nobody is signed in" in result["content"][0]["text"]


async def test_without_a_credential_there_is_no_profile_tool(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    session = await protected.session(tenant.access_token())
    answer: Answer = await protected.call(tenant.access_token(), tool="get_my_profile", session=session)
    assert answer.json()["error"]["code"] == -32602
