"""The application as a whole: what is public, what browsers may do, proxies, keys, and settings."""

import asyncio
import re

import aiohttp
import pytest
from tests.oidc.tenant import API_CLIENT_ID, TENANT_ID, ControlledTenant, MovableClock, jwk, sign
from tests.server.protected import BASE_SCOPE, ProtectedServer
from yarl import URL

from mcpsecurity.runtime.service import started_runner
from mcpsecurity.settings import SettingsError, load_settings
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

ORIGIN = "https://app.example"


async def test_health_tells_everybody_that_the_server_runs(protected: ProtectedServer) -> None:
    answer = await protected.request("GET", "/health")
    assert answer.status == 200
    pattern = (
        r"Secure MCP server running deployed: UTC: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, "
        r"use /mcp path to use the tools"
    )
    assert re.fullmatch(pattern, answer.body.decode())


@pytest.mark.parametrize("path", ["", "/mcp"])
async def test_the_resource_metadata_is_public_on_both_paths(
    protected: ProtectedServer, tenant: ControlledTenant, path: str
) -> None:
    answer = await protected.request(
        "GET", f"/.well-known/oauth-protected-resource{path}", {"Host": "attacker.example"}
    )
    assert answer.status == 200
    document = answer.json()
    assert document["resource"] == f"{protected.origin}/mcp", "from configuration, not from Host"
    assert document["authorization_servers"] == [tenant.issuer]
    assert document["scopes_supported"] == [BASE_SCOPE]
    assert document["bearer_methods_supported"] == ["header"]


async def test_with_the_mcp_url_as_application_id_uri_scopes_are_below_it(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock) as plain:
        uri = f"{plain.origin}/mcp"
    async with ProtectedServer(tenant, clock, app_id_uri=uri) as protected:
        document = (await protected.request("GET", "/.well-known/oauth-protected-resource/mcp")).json()
        assert document["scopes_supported"] == [f"{uri}/mcp:tools"]
        answer = await protected.call()
        assert answer.challenge is not None
        assert answer.challenge["scope"] == f"{uri}/mcp:tools"


async def test_an_unknown_path_is_not_found_and_other_methods_are_not_allowed(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    headers = {"Authorization": f"Bearer {tenant.access_token()}"}
    assert (await protected.request("GET", "/nothing", headers)).status == 404
    answer = await protected.request("PUT", "/mcp", headers)
    assert answer.status == 405
    assert {"GET", "POST", "DELETE"} <= set(answer.headers["allow"].split(","))


async def test_an_entra_token_of_somebody_in_many_groups_fits_the_header(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    groups = [f"aaaaaaaa-bbbb-4ccc-8ddd-{number:012}" for number in range(250)]
    token = tenant.access_token(groups=groups)
    assert len(token) > 8190
    assert (await protected.call(token)).status == 200


async def test_no_foreign_origin_may_call_by_default(protected: ProtectedServer) -> None:
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = await protected.request("OPTIONS", "/mcp", preflight)
    assert answer.status in (403, 405)
    assert "access-control-allow-origin" not in answer.headers


async def test_a_configured_origin_may_call_and_read_challenge_and_session(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(tenant, clock, allowed_origins=(ORIGIN,)) as protected:
        preflight = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version",
        }
        answer = await protected.request("OPTIONS", "/mcp", preflight)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-credentials" not in answer.headers
        headers = {"Origin": ORIGIN}
        refused = await protected.request("POST", "/mcp", headers, b"{}")
        assert refused.status == 401
        exposed = refused.headers["access-control-expose-headers"]
        assert {"WWW-Authenticate", "Mcp-Session-Id"} <= set(exposed.split(","))
        other = await protected.request("OPTIONS", "/mcp", preflight | {"Origin": "https://other.example"})
        assert other.status == 403
        headers["Authorization"] = f"Bearer {tenant.access_token()}"
        assert (await protected.request("POST", "/mcp", headers, b"{")).status == 400, "let in, bad body"


async def test_the_key_rotates_in_mid_traffic_and_no_good_token_is_refused(
    protected: ProtectedServer, tenant: ControlledTenant
) -> None:
    old = tenant.access_token()
    await protected.call(old)
    tenant.keys = [jwk("key-1"), jwk("key-2")]
    new = sign(tenant.access_claims(), key="key-2")
    answers = await asyncio.gather(*(protected.call(token) for token in [old, new] * 20))
    assert {answer.status for answer in answers} == {200}
    assert tenant.key_requests == 2


async def test_a_remembered_token_is_forgotten_with_its_key(
    protected: ProtectedServer, tenant: ControlledTenant, clock: MovableClock
) -> None:
    token = tenant.access_token(exp=int(clock.wall()) + 86400)
    assert (await protected.call(token)).status == 200
    tenant.keys = [jwk("key-2")]
    tenant.keys_asked.clear()
    clock.offset = 3601
    assert (await protected.call(token)).status == 200, "remembered; the keys are refreshed beside it"
    await asyncio.wait_for(tenant.keys_asked.wait(), 30)
    fresh = sign(tenant.access_claims(), key="key-2")
    assert (await protected.call(fresh)).status == 200
    protected.assert_invalid_token(await protected.call(token))


async def test_behind_a_proxy_http_is_redirected_to_the_public_origin(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    async with ProtectedServer(
        tenant, clock, url="https://mcp.example/mcp", trusted_proxies=1, allowed_hosts=("127.0.0.1",)
    ) as protected:
        plain = {
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": "evil.example",
        }
        answer = await protected.request("GET", "/.well-known/oauth-protected-resource/mcp?a=b", plain)
        assert answer.status == 308
        assert (
            answer.headers["location"] == "https://mcp.example/.well-known/oauth-protected-resource/mcp?a=b"
        )
        secure = plain | {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "mcp.example"}
        answer = await protected.request("GET", "/.well-known/oauth-protected-resource/mcp", secure)
        assert answer.status == 200
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        assert (await protected.request("GET", "/health")).status == 200, "probes come from inside"
        headers = secure | {"Authorization": f"Bearer {tenant.access_token()}"}
        assert (await protected.request("POST", "/mcp", headers, b"{")).status == 400, "let in, bad body"


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "/..//evil.example/mcp"])
async def test_no_path_redirects_to_another_host(
    tenant: ControlledTenant, clock: MovableClock, path: str
) -> None:
    settings = {"url": "https://mcp.example/mcp", "trusted_proxies": 1}
    async with ProtectedServer(tenant, clock, **settings) as protected:
        url = URL(protected.origin + path, encoded=True)
        answer = await protected.http.get(url, allow_redirects=False)
    assert answer.status == 308
    assert answer.headers["location"].startswith("https://mcp.example/")


async def _warnings(
    tenant: ControlledTenant, clock: MovableClock, caplog: pytest.LogCaptureFixture, **settings: object
) -> str:
    """Start a server and return what it warns of."""
    caplog.clear()
    async with ProtectedServer(tenant, clock, **settings):
        logger = "mcpsecurity_server.auth.setup"
        return "\n".join(record.getMessage() for record in caplog.records if record.name == logger)


async def test_the_start_warns_when_clients_that_follow_the_specification_get_no_token(
    tenant: ControlledTenant, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    url = "http://localhost:7133/mcp"
    told = await _warnings(tenant, clock, caplog, url=url)
    assert url in told
    assert "AADSTS9010010" in told
    assert "MCP_SERVER_APP_ID_URI" in told
    assert await _warnings(tenant, clock, caplog, url=url, app_id_uri=url) == ""


@pytest.mark.parametrize(
    ("url", "proxies", "setting"),
    [
        ("http://mcp.example/mcp", 0, "MCP_SERVER_URL"),
        ("https://mcp.example/mcp", 0, "MCP_SERVER_TRUSTED_PROXIES"),
        ("https://mcp.example/mcp", 1, ""),
    ],
)
async def test_the_start_warns_of_unencrypted_tokens_and_of_endless_redirects(
    tenant: ControlledTenant,
    clock: MovableClock,
    caplog: pytest.LogCaptureFixture,
    url: str,
    proxies: int,
    setting: str,
) -> None:
    told = await _warnings(tenant, clock, caplog, url=url, app_id_uri=url, trusted_proxies=proxies)
    assert setting in told
    assert bool(told) == bool(setting)


async def test_forwarded_headers_count_only_from_trusted_hops(
    protected: ProtectedServer, tenant: ControlledTenant, clock: MovableClock
) -> None:
    assert (await protected.request("GET", "/health", {"X-Forwarded-For": "junk"})).status == 200
    async with ProtectedServer(tenant, clock, trusted_proxies=2) as two:
        assert (await two.request("GET", "/health", {"X-Forwarded-For": "1.2.3.4"})).status == 400
        assert (await two.request("GET", "/health", {"X-Forwarded-For": "junk, junk"})).status == 400
        assert (await two.request("GET", "/health", {"X-Forwarded-For": "1.2.3.4, 5.6.7.8"})).status == 200


async def test_users_of_allowed_tenants_may_call_and_others_may_not(
    tenant: ControlledTenant, clock: MovableClock
) -> None:
    guest, stranger = "33333333-2222-4333-8444-555555555555", "44444444-2222-4333-8444-555555555555"
    async with ProtectedServer(tenant, clock, allowed_tenants=(guest,)) as protected:
        for tenant_id, status in ((TENANT_ID, 200), (guest, 200), (stranger, 401)):
            issuer = f"{tenant.authority}/{tenant_id}/v2.0"
            answer = await protected.call(tenant.access_token(tid=tenant_id, iss=issuer))
            assert answer.status == status


async def test_without_authentication_tools_can_be_called_and_nothing_points_to_a_sign_in() -> None:
    runner = await started_runner(create_app(ServerSettings(no_auth=True)))
    port = runner.addresses[0][1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            accept = {"Accept": "application/json, text/event-stream"}
            async with http.post("/mcp", json=ping, headers=accept) as response:
                assert response.status == 200
            async with http.get("/.well-known/oauth-protected-resource/mcp") as response:
                assert response.status == 404
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ({"no_auth": True, "host": "192.0.2.1"}, "MCP_SERVER_HOST: write 127.0.0.1"),
        ({}, "ENTRA_TENANT_ID: not set (Directory (tenant) ID, a GUID; like "),
        ({"tenant_id": "contoso", "client_id": API_CLIENT_ID}, "ENTRA_TENANT_ID: write it like "),
        ({"no_auth": True, "tool_scopes": "{"}, "MCP_SERVER_TOOL_SCOPES: write JSON"),
        ({"no_auth": True, "allowed_tenants": "x"}, "MCP_SERVER_ALLOWED_TENANTS: write GUIDs"),
        ({"no_auth": True, "url": "http://localhost/mcp/"}, "MCP_SERVER_URL: "),
        ({"no_auth": True, "url": "http://[/mcp"}, "MCP_SERVER_URL: write it like "),
        (
            {"no_auth": True, "authority": "https://["},
            "ENTRA_AUTHORITY: write it like https://login.microsoftonline.com",
        ),
        (
            {"no_auth": True, "authority": "https://a@b"},
            "ENTRA_AUTHORITY: write it like https://login.microsoftonline.com",
        ),
        (
            {"no_auth": True, "authority": "https://h?x=1"},
            "ENTRA_AUTHORITY: write it like https://login.microsoftonline.com",
        ),
        ({"no_auth": True, "graph_url": "https://h:99999"}, "MICROSOFT_GRAPH_URL: write it like "),
        ({"no_auth": True, "approval": "maybe"}, "MCP_SERVER_APPROVAL: "),
        ({"no_auth": True, "allowed_clients": "MCP web chat"}, "MCP_SERVER_ALLOWED_CLIENTS: write GUIDs"),
        ({"no_auth": True, "app_id_uri": "https://mcp.contoso.com/mcp/"}, "MCP_SERVER_APP_ID_URI: write it "),
        ({"no_auth": True, "app_id_uri": "mcp"}, "MCP_SERVER_APP_ID_URI: write it like api://"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, object], line: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(ServerSettings, **wrong)
    assert str(caught.value).startswith(line)


def test_lists_are_words_and_scopes_of_tools_are_json() -> None:
    other = "dddddddd-0000-4000-8000-000000000004"
    clients, scopes = f"{API_CLIENT_ID}, {other.upper()}", '{"tool": "x y", "other": ["z"]}'
    settings = load_settings(ServerSettings, no_auth=True, allowed_clients=clients, tool_scopes=scopes)
    assert settings.allowed_clients == (API_CLIENT_ID, other), "as Entra writes them"
    assert settings.tool_scopes == {"tool": ("x", "y"), "other": ("z",)}
