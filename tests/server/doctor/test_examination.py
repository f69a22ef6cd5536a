"""The doctor finds each fault that is made on purpose, and names the setting to change."""

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import CliRunner
from tests.oidc.tenant import ControlledTenant, MovableClock
from tests.server.doctor.doctoring import find, server_of, settings_of
from tests.server.protected import ProtectedServer

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity_server.doctor import Status, examine
from mcpsecurity_server.doctor.cli import doctor
from mcpsecurity_server.doctor.findings import as_table, failed, ok


async def test_a_good_configuration_has_nothing_but_the_warning_of_entras_resource_rule(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    findings = await examine(settings_of(healthy_cloud, cloud_server.settings.url))
    wrong = [f for f in findings if f.status is not Status.OK]
    assert [(f.check, f.status) for f in wrong] == [("entra", Status.WARNING)], wrong
    assert wrong[0].setting == f"MCP_SERVER_APP_ID_URI={cloud_server.settings.url}"
    assert [f.check for f in findings] == [
        "authority", "clock", "discovery", "keys", "client documents",
        "server", "resource", "sign-in", "challenge", "judgement", "scope", "entra", "encryption",
        "client secret", "server registration", "redirect", "model",
    ]  # fmt: skip


async def test_with_the_mcp_url_as_application_id_uri_any_client_can_get_a_token(
    healthy_cloud: LocalCloud, tenant: ControlledTenant, clock: MovableClock
) -> None:
    probe = ProtectedServer(tenant, clock)
    url = f"{probe.origin}/mcp"
    app_uri = {"app_id_uri": url, "url": url}
    async with ProtectedServer(tenant, clock, **server_of(healthy_cloud), **app_uri) as server:
        reached = settings_of(healthy_cloud, f"{server.origin}/mcp")
        assert (await find("resource", reached)).status is Status.FAILED, "it calls itself by the other port"
        named = await find("scope", reached)
        other = await find("scope", reached.model_copy(update={"api_client_id": ""}))
    assert (named.status, named.setting) == (Status.OK, ""), "the guide's mode 3 beside the web chat"
    assert (other.status, other.setting) == (Status.WARNING, "MCP_SERVER_APP_ID_URI or MCP_SERVER_SCOPE")


@pytest.mark.parametrize(
    ("check", "changes", "setting", "words"),
    [
        ("tenant", {"tenant_id": ""}, "ENTRA_TENANT_ID", "No tenant"),
        ("authority", {"authority": "https://localhost:1"}, "ENTRA_AUTHORITY", "cannot be reached"),
        ("authority", {"authority": "nonsense"}, "ENTRA_AUTHORITY", "does not answer"),
        ("authority", {"ca_file": None}, "MCPSECURITY_CA_FILE", "not trusted"),
        (
            "discovery",
            {"tenant_id": "0" * 8 + "-0000-4000-8000-000000000000"},
            "ENTRA_TENANT_ID",
            "no tenant",
        ),
        (
            "sign-in",
            {"tenant_id": "0" * 8 + "-0000-4000-8000-000000000000"},
            "ENTRA_TENANT_ID",
            "tenant here",
        ),
        ("authority", {"authority": "http://["}, "ENTRA_AUTHORITY", "is not a URL"),
        ("server", {"mcp_url": "http://localhost:1/mcp"}, "MCP_SERVER_URL", "Is it running?"),
        ("server", {"mcp_url": "nonsense"}, "MCP_SERVER_URL", "is not the URL"),
        ("server", {"mcp_url": "http://["}, "MCP_SERVER_URL", "is not the URL"),
        ("scope", {"scope": "api://other/mcp:things"}, "MCP_SERVER_SCOPE", "the server wants api://"),
        ("client secret", {"web_client_secret": "wrong"}, "WEBCLIENT_CLIENT_SECRET", "AADSTS7000215"),
        ("client secret", {"web_client_id": "unknown"}, "WEBCLIENT_CLIENT_ID", "AADSTS700016"),
        ("redirect", {"web_client_id": "unknown"}, "WEBCLIENT_CLIENT_ID", "AADSTS700016"),
        ("redirect", {"webclient_url": "https://chat.example"}, "WEBCLIENT_URL", "AADSTS50011"),
        ("model", {"azure_openai_api_key": "wrong"}, "AZURE_OPENAI_API_KEY", "refuses the key"),
        ("model", {"deployment": "none"}, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "no deployment none"),
        ("model", {"deployment": ""}, "AZURE_OPENAI_CHAT_DEPLOYMENT_NAME", "deployment's name is needed"),
        (
            "model",
            {"azure_openai_endpoint": "https://localhost:1"},
            "AZURE_OPENAI_ENDPOINT",
            "cannot be reached",
        ),
        ("model", {"azure_openai_endpoint": "http://contoso.example"}, "AZURE_OPENAI_ENDPOINT", "write"),
        ("model", {"azure_openai_endpoint": "nonsense"}, "AZURE_OPENAI_ENDPOINT", "write"),
    ],
)
async def test_a_wrong_setting_is_found_and_named(
    healthy_cloud: LocalCloud,
    cloud_server: ProtectedServer,
    check: str,
    changes: dict[str, Any],
    setting: str,
    words: str,
) -> None:
    found = await find(check, settings_of(healthy_cloud, cloud_server.settings.url, **changes))
    assert found.status is Status.FAILED, found
    assert setting in found.setting
    assert words in found.message


@pytest.mark.parametrize(
    ("check", "changes", "status"),
    [
        ("scope", {"scope": ""}, Status.WARNING),
        ("web client", {"web_client_id": ""}, Status.SKIPPED),
        ("client secret", {"web_client_secret": None}, Status.SKIPPED),
        ("model", {"azure_openai_endpoint": ""}, Status.SKIPPED),
    ],
)
async def test_a_missing_configuration_is_no_failure(
    healthy_cloud: LocalCloud,
    cloud_server: ProtectedServer,
    check: str,
    changes: dict[str, Any],
    status: Status,
) -> None:
    assert (
        await find(check, settings_of(healthy_cloud, cloud_server.settings.url, **changes))
    ).status is status


async def test_a_tenant_that_calls_itself_otherwise_is_found(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    healthy_cloud.tenant.faults.metadata = {"issuer": "https://login.example/x/v2.0"}
    found = await find("discovery", settings_of(healthy_cloud, cloud_server.settings.url))
    assert found.status is Status.FAILED
    assert "its tokens would be refused" in found.message


async def test_keys_that_cannot_be_read_are_found(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    for uri, words in (
        ("https://localhost:1/keys", "cannot be read"),
        (f"{healthy_cloud.authority}/x", "cannot be read"),
        ("https://[", "cannot be read"),
    ):
        healthy_cloud.tenant.faults.metadata = {"jwks_uri": uri}
        found = await find("keys", settings_of(healthy_cloud, cloud_server.settings.url))
        assert found.status is Status.FAILED
        assert words in found.message


async def test_a_tenant_that_is_down_is_found(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    healthy_cloud.tenant.faults.down = True
    found = await find("discovery", settings_of(healthy_cloud, cloud_server.settings.url))
    assert (found.status, found.setting) == (Status.FAILED, "ENTRA_AUTHORITY")


async def test_a_host_that_does_not_exist_is_told_once_and_in_words(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    """The top-level domain invalid has no names (RFC 2606)."""
    settings = settings_of(healthy_cloud, cloud_server.settings.url, authority="https://entra.invalid")
    findings = await examine(settings)
    told = [
        finding for finding in findings if "entra.invalid" in finding.message and finding.check != "sign-in"
    ]
    assert [(finding.check, finding.status) for finding in told] == [("authority", Status.FAILED)]
    assert "there is no host of the name entra.invalid" in told[0].message
    (skipped,) = [finding for finding in findings if finding.check == "registrations"]
    assert (skipped.status, skipped.message) == (
        Status.SKIPPED,
        "Cannot be checked: the tenant does not answer.",
    )
    assert not any("Error" in finding.message for finding in findings)


async def test_a_port_without_a_server_is_told_in_words(healthy_cloud: LocalCloud) -> None:
    found = await find("server", settings_of(healthy_cloud, "http://localhost:1/mcp"))
    assert "(nothing listens there)" in found.message


async def test_a_tenant_without_usable_keys_is_found(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer, tenant: ControlledTenant
) -> None:
    tenant.keys = []
    changes = {"authority": tenant.authority, "ca_file": tenant.ca_file}
    found = await find("keys", settings_of(healthy_cloud, cloud_server.settings.url, **changes))
    assert "no usable signing key" in found.message


async def test_a_server_that_cannot_reach_its_tenant_is_found(
    healthy_cloud: LocalCloud, tenant: ControlledTenant, clock: MovableClock
) -> None:
    tenant.down = True
    async with ProtectedServer(tenant, clock) as server:
        found = await find("judgement", settings_of(healthy_cloud, server.settings.url))
    assert found.status is Status.FAILED
    assert "cannot reach its tenant" in found.message


@pytest.mark.parametrize(
    ("status", "headers", "setting", "words"),
    [
        (200, {}, "MCP_SERVER_NO_AUTH", "without a token"),
        (421, {}, "MCP_SERVER_ALLOWED_HOSTS", "host name"),
        (401, {}, "MCP_SERVER_URL", "without naming its resource metadata"),
        (401, {"WWW-Authenticate": 'Bearer resource_metadata="http://x/y"'}, "MCP_SERVER_URL", "http://x/y"),
    ],
)
async def test_a_server_that_answers_wrongly_is_found(
    healthy_cloud: LocalCloud, status: int, headers: dict[str, str], setting: str, words: str
) -> None:
    async def endpoint(_: web.Request) -> web.Response:
        return web.json_response({}, status=status, headers=headers)

    async def metadata(_: web.Request) -> web.Response:
        return web.json_response({"resource": "http://elsewhere/mcp", "scopes_supported": []})

    app = web.Application()
    app.router.add_post("/mcp", endpoint)
    app.router.add_get("/.well-known/oauth-protected-resource/mcp", metadata)
    async with TestServer(app, host="127.0.0.1") as other:
        settings = settings_of(healthy_cloud, str(other.make_url("/mcp")))
        found = await find("challenge", settings)
        resource = await find("resource", settings)
        judgement = await find("judgement", settings)
    assert (found.status, found.setting) == (Status.FAILED, setting)
    assert words in found.message
    assert "http://elsewhere/mcp" in resource.message
    assert (judgement.status is Status.OK) == (status == 401)


async def test_a_server_without_authentication_or_another_program_is_found(healthy_cloud: LocalCloud) -> None:
    async with TestServer(web.Application(), host="127.0.0.1") as other:
        found = await find("server", settings_of(healthy_cloud, str(other.make_url("/mcp"))))
    assert found.status is Status.FAILED
    assert "answers 404" in found.message


async def test_a_server_that_does_not_believe_its_proxy_is_found(healthy_cloud: LocalCloud) -> None:
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPPermanentRedirect(request.url)

    app = web.Application()
    app.router.add_get("/{path:.*}", redirect)
    async with TestServer(app, host="127.0.0.1") as other:
        found = await find("server", settings_of(healthy_cloud, str(other.make_url("/mcp"))))
    assert (found.status, found.setting) == (Status.FAILED, "MCP_SERVER_TRUSTED_PROXIES")


async def test_tokens_that_would_travel_unencrypted_are_found(healthy_cloud: LocalCloud) -> None:
    async def metadata(request: web.Request) -> web.Response:
        return web.json_response({"resource": str(request.url)})

    app = web.Application()
    app.router.add_get("/.well-known/oauth-protected-resource/mcp", metadata)
    async with TestServer(app, host="0.0.0.0") as other:  # noqa: S104 - a name that is not loopback, on this machine
        url = f"http://{socket.gethostname()}:{other.port}/mcp"
        found = await find("encryption", settings_of(healthy_cloud, url))
    assert (found.status, found.setting) == (Status.FAILED, "MCP_SERVER_URL")


async def test_the_companys_proxy_is_used_as_the_services_use_it(
    healthy_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def metadata(_: web.Request) -> web.Response:
        return web.json_response({"resource": "http://mcp.contoso.example/mcp"})

    proxy = web.Application()
    proxy.router.add_get("/.well-known/oauth-protected-resource/mcp", metadata)
    async with TestServer(proxy, host="127.0.0.1") as company:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, str(company.make_url("/")))
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        settings = settings_of(healthy_cloud, "http://mcp.contoso.example/mcp")
        assert (await find("resource", settings)).status is Status.OK
        for check in ("authority", "keys", "redirect", "model"):
            assert (await find(check, settings)).status is Status.OK, check


@pytest.mark.parametrize(("skew", "status"), [(45, Status.WARNING), (3600, Status.FAILED), (0, Status.OK)])
async def test_a_clock_that_differs_is_found(healthy_cloud: LocalCloud, skew: int, status: Status) -> None:
    settings = settings_of(healthy_cloud, "http://localhost:1/mcp")
    findings = await examine(settings, clock=lambda: time.time() + skew)
    assert [found.status for found in findings if found.check == "clock"] == [status]


def test_the_table_shows_what_to_change_and_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    table = as_table([ok("keys", "Fine."), failed("server", "Long. " * 30, "MCP_SERVER_URL")])
    lines = table.splitlines()
    assert lines[0] == "keys    ok       Fine."
    assert lines[1].startswith("server  failed   Long. ")
    assert lines[-1].strip() == "change: MCP_SERVER_URL"
    assert all(len(line) <= 96 for line in lines)


def test_the_command_prints_json_and_its_exit_code_tells_of_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for key in ("ENTRA_TENANT_ID", "WEBCLIENT_CLIENT_ID", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("MCP_SERVER_URL", "http://localhost:1/mcp")
    outcome = CliRunner().invoke(doctor, ["--json"])
    assert outcome.exit_code == 1
    findings = json.loads(outcome.stdout)
    assert findings[0] == {
        "check": "tenant",
        "status": "failed",
        "message": "No tenant is configured. The demo is looked at by `mcpsecurity doctor --local`.",
        "setting": "ENTRA_TENANT_ID",
    }
    assert "change: ENTRA_TENANT_ID" in CliRunner().invoke(doctor).stdout


async def test_without_a_tenant_the_server_is_not_judged_by_one(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    settings = settings_of(healthy_cloud, cloud_server.settings.url, tenant_id="")
    found = await find("sign-in", settings)
    assert (found.status, found.setting) == (Status.SKIPPED, "ENTRA_TENANT_ID")


async def test_a_wrong_client_id_of_the_server_is_found(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    settings = settings_of(healthy_cloud, cloud_server.settings.url, api_client_id=healthy_cloud.tenant_id)
    found = await find("server registration", settings)
    assert (found.status, found.setting) == (Status.FAILED, "MCP_SERVER_CLIENT_ID")


async def test_https_to_an_http_server_is_told_from_a_certificate_that_is_not_trusted(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    url = cloud_server.settings.url.replace("http://", "https://")
    found = await find("server", settings_of(healthy_cloud, url))
    assert (found.status, found.setting) == (Status.FAILED, "MCP_SERVER_URL")
    assert "does not speak TLS" in found.message


async def test_a_wrong_path_is_told_with_the_right_one(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    url = cloud_server.settings.url
    found = await find("server", settings_of(healthy_cloud, f"{url}/x"))
    assert (found.status, found.setting) == (Status.FAILED, f"MCP_SERVER_URL={url}")


async def test_a_scope_without_its_prefix_fails(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    found = await find("scope", settings_of(healthy_cloud, cloud_server.settings.url, scope="mcp:tools"))
    assert (found.status, found.setting) == (Status.FAILED, f"MCP_SERVER_SCOPE={healthy_cloud.scope}")
    assert "650053" in found.message


async def test_an_authority_with_a_slash_is_told(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    authority = f"{healthy_cloud.authority}/"
    found = await find(
        "authority", settings_of(healthy_cloud, cloud_server.settings.url, authority=authority)
    )
    assert (found.status, found.setting) == (Status.FAILED, f"ENTRA_AUTHORITY={healthy_cloud.authority}")


async def test_whether_clients_may_come_with_a_document_is_told(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    settings = settings_of(healthy_cloud, cloud_server.settings.url)
    assert "an agent that acts for the person" in (await find("client documents", settings)).message
    healthy_cloud.tenant.faults.metadata = {"client_id_metadata_document_supported": None}
    found = await find("client documents", settings)
    assert found.status is Status.SKIPPED
    assert "every MCP client needs a registration" in found.message


def test_long_values_are_not_cut() -> None:
    value = "https://mcp.contoso.com/" + "x" * 120
    assert value in as_table([failed("server", f"There is no server at {value} now.", "MCP_SERVER_URL")])


async def test_an_address_by_http_is_found_to_be_one_that_entra_sends_nobody_back_to(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    changes = {"webclient_url": "http://chat.contoso.com"}
    found = await find("web client", settings_of(healthy_cloud, cloud_server.settings.url, **changes))
    assert (found.status, found.setting) == (Status.FAILED, "WEBCLIENT_URL")
    assert "https only" in found.message


async def test_one_client_id_for_both_services_is_a_warning(
    healthy_cloud: LocalCloud, cloud_server: ProtectedServer
) -> None:
    changes = {"web_client_id": healthy_cloud.api_client_id.upper()}
    found = await find("web client", settings_of(healthy_cloud, cloud_server.settings.url, **changes))
    assert (found.status, found.setting) == (Status.WARNING, "WEBCLIENT_CLIENT_ID or MCP_SERVER_CLIENT_ID")
