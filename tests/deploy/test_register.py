"""The real Azure CLI makes the registrations of the guide, in a stand-in of Microsoft Graph.

That takes minutes, and `az`, which the project does not install, so it is no part of `make test`:
`make azure` does it.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.deploy.graph import Graph, Object, serving_graph
from tests.support.installed import ROOT

from mcpsecurity.console.settings import TenantSettings
from mcpsecurity.localcloud import LocalCloud, LocalCloudSettings
from mcpsecurity.settings import settings_of
from mcpsecurity_server.settings import ServerSettings

pytestmark = [
    pytest.mark.azure,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(shutil.which("az") is None, reason="there is no Azure CLI on PATH"),
]

MCP_URL, CHAT_URL = "https://mcp.contoso.com/mcp", "https://chat.contoso.com"
IDENTITY = "10ca1c10-0d00-4000-8000-0000000000d1"
VSCODE = "aebc6443-996d-45c2-90f0-388ff96faa56"
SCRIPT = ("sh", str(ROOT / "deploy" / "azure" / "register.sh"))
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Cli:
    """The Azure CLI, signed in at the local tenant, and the Graph that it changes."""

    graph: Graph
    environment: dict[str, str]

    async def run(self, *command: str, **more: str) -> tuple[int, str, str]:
        """Run a program; return exit code, output and errors."""
        pipe = asyncio.subprocess.PIPE
        environment = self.environment | {"MCP_URL": MCP_URL, "CHAT_URL": CHAT_URL, "PAUSE": "0"} | more
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, cwd=environment["HOME"], stdout=pipe, stderr=pipe
        )
        output, errors = await process.communicate()
        return process.returncode or 0, output.decode(), errors.decode()

    async def registered(self, **more: str) -> dict[str, str]:
        """Run the script; return the settings that it prints."""
        code, output, errors = await self.run(*SCRIPT, **more)
        assert code == 0, errors
        lines = [line for line in output.splitlines() if not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines)

    def state(self) -> list[Object]:
        """Return a copy of all that Graph keeps; a grant is replaced and has a new ID then."""
        graph = self.graph
        return deepcopy([graph.applications, graph.principals, graph.grants, graph.federated])


@pytest.fixture
async def az(tmp_path: Path) -> AsyncIterator[Cli]:
    settings = LocalCloudSettings(http_port=0, https_port=0, folder=tmp_path / "cloud")
    async with LocalCloud(settings) as cloud, serving_graph(cloud) as (graph, url):
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AZURE_CONFIG_DIR": str(tmp_path / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "REQUESTS_CA_BUNDLE": str(cloud.ca_file),
        }
        cli = Cli(graph, environment)
        endpoints = {
            "active-directory": cloud.authority,
            **dict.fromkeys(
                ("resource-manager", "management", "gallery", "active-directory-resource-id"), url
            ),
            **dict.fromkeys(("microsoft-graph-resource-id", "active-directory-graph-resource-id"), url),
        }
        named = [part for name, value in endpoints.items() for part in (f"--endpoint-{name}", value)]
        secret = ("--username", cloud.daemon_client_id, "--password", cloud.daemon_client_secret)
        for command in (
            ("cloud", "register", "--name", "local", "--skip-endpoint-discovery", *named),
            ("cloud", "set", "--name", "local"),
            (
                "login",
                "--service-principal",
                *secret,
                "--tenant",
                cloud.tenant_id,
                "--allow-no-subscriptions",
            ),
        ):
            code, _, errors = await cli.run("az", *command)
            assert code == 0, errors
        yield cli


def check_settings(printed: dict[str, str]) -> None:
    """Hand the printed settings to the services."""
    settings = {key.lower(): value for key, value in printed.items()}
    common = {"authority": settings["entra_authority"], "tenant_id": settings["entra_tenant_id"]}
    checked = settings_of(
        ServerSettings,
        **common,
        client_id=settings["mcp_server_client_id"],
        url=settings["mcp_server_url"],
        app_id_uri=settings["mcp_server_app_id_uri"],
    )
    assert checked.identifier_uris == (f"api://{checked.client_id}", MCP_URL)
    settings_of(
        TenantSettings,
        **common,
        client_id=settings["console_client_id"],
        scope=settings["mcp_server_scope"],
    )


async def test_the_script_makes_all_registrations_and_a_second_run_changes_nothing(az: Cli) -> None:
    options = {"MCP_URL_AS_ID": "1", "IDENTITY": IDENTITY}
    printed = await az.registered(**options)
    made = az.state()
    assert await az.registered(**options) == printed
    assert az.state() == made

    server, web, console = (az.graph.named(f"MCP {name}") for name in ("server", "web chat", "console"))
    assert printed["MCP_SERVER_CLIENT_ID"] == server["appId"]
    assert server["identifierUris"] == [f"api://{server['appId']}", MCP_URL]
    assert server["api"]["requestedAccessTokenVersion"] == 2
    (scope,) = server["api"]["oauth2PermissionScopes"]
    assert (scope["value"], scope["isEnabled"]) == ("mcp:tools", True)
    pre = [{"appId": VSCODE, "delegatedPermissionIds": [scope["id"]]}]
    assert server["api"]["preAuthorizedApplications"] == pre
    assert {claim["name"] for claim in server["optionalClaims"]["accessToken"]} == {"idtyp", "acct", "acrs"}
    assert web["web"]["redirectUris"] == [f"{CHAT_URL}/signin-oidc", f"{CHAT_URL}/signout-callback-oidc"]
    assert console["publicClient"]["redirectUris"] == ["http://localhost"]
    assert console["isFallbackPublicClient"] is True
    wanted = {"resourceAppId": server["appId"], "resourceAccess": [{"id": scope["id"], "type": "Scope"}]}
    assert web["requiredResourceAccess"] == console["requiredResourceAccess"] == [wanted]
    assert [grant["scope"] for grant in az.graph.grants.values()] == ["mcp:tools"] * 2
    assert {held[0]["subject"] for held in az.graph.federated.values()} == {IDENTITY}
    assert az.graph.federated.keys() == {server["id"], web["id"]}
    check_settings(printed)


async def test_a_console_that_proves_itself_by_an_identity_is_no_public_client(az: Cli) -> None:
    printed = await az.registered(CONSOLE_IDENTITY=IDENTITY)
    made = az.state()
    assert await az.registered(CONSOLE_IDENTITY=IDENTITY) == printed
    assert az.state() == made

    console = az.graph.named("MCP console with an identity")
    assert printed["CONSOLE_CLIENT_ID"] == console["appId"]
    assert "ENTRA_CLIENT_IDENTITY" not in printed, "the chat has a secret"
    assert console["web"]["redirectUris"] == ["http://localhost"]
    assert console["publicClient"]["redirectUris"] == []
    assert not console["isFallbackPublicClient"]
    assert [held["subject"] for held in az.graph.federated[console["id"]]] == [IDENTITY]
    assert [grant["scope"] for grant in az.graph.grants.values()] == ["mcp:tools"] * 2
    assert "MCP console" not in {app["displayName"] for app in az.graph.applications.values()}


async def test_what_an_administrator_added_stays(az: Cli) -> None:
    az.graph.lag = 3
    await az.registered()
    server, web = az.graph.named("MCP server"), az.graph.named("MCP web chat")
    more = server["api"]["oauth2PermissionScopes"][0] | {"id": IDENTITY, "value": "mcp:admin"}
    server["api"]["oauth2PermissionScopes"].append(more)
    server["api"]["preAuthorizedApplications"].insert(
        0, {"appId": IDENTITY, "delegatedPermissionIds": [IDENTITY]}
    )
    server["identifierUris"].append(MCP_URL)
    server["optionalClaims"]["accessToken"].append({"name": "email"})
    web["web"]["redirectUris"].append("https://old.contoso.com/signin-oidc")
    (grant, _) = az.graph.grants.values()
    grant["scope"] = "mcp:admin"
    await az.registered()
    server, web = az.graph.named("MCP server"), az.graph.named("MCP web chat")
    assert {scope["value"] for scope in server["api"]["oauth2PermissionScopes"]} == {"mcp:tools", "mcp:admin"}
    assert {one["appId"] for one in server["api"]["preAuthorizedApplications"]} == {VSCODE, IDENTITY}
    assert MCP_URL in server["identifierUris"]
    assert {"name": "email"} in server["optionalClaims"]["accessToken"]
    assert len(web["web"]["redirectUris"]) == 3
    assert sorted(grant["scope"] for grant in az.graph.grants.values()) == [
        "mcp:admin mcp:tools",
        "mcp:tools",
    ]


async def test_what_entra_refuses_ends_it_with_entras_words(az: Cli) -> None:
    code, output, errors = await az.run(*SCRIPT, MCP_URL="https://mcp.example/mcp", MCP_URL_AS_ID="1")
    assert (code, output) == (1, "")
    assert "must use a verified domain" in errors
    code, output, errors = await az.run(*SCRIPT, MCP_URL=f"{MCP_URL}/")
    assert (code, output) == (2, "")
    assert "without a slash" in errors


async def test_without_the_right_to_consent_for_everybody_the_rest_is_done(az: Cli) -> None:
    az.graph.may_consent = False
    code, output, errors = await az.run(*SCRIPT)
    assert code == 0, errors
    assert "each person is asked" in errors
    assert f"CONSOLE_CLIENT_ID={az.graph.named('MCP console')['appId']}" in output
    assert not az.graph.grants


async def test_the_commands_of_the_guide_work_in_their_order(az: Cli) -> None:
    az.graph.lag = 0  # the guide's reader is slower than Entra ID
    blocks = [
        block
        for block in _BLOCK.findall((ROOT / "docs" / "entra-setup.md").read_text("utf-8"))
        if "az ad" in block
    ]
    assert len(blocks) == 6
    text = re.sub(r"\$\(az identity show [^)]*\)", IDENTITY, "\n".join(blocks))
    code, output, errors = await az.run(
        "sh", "-euc", text.replace('"api://$API"  ', '"api://$API" "$MCP_URL"  ')
    )
    assert code == 0, errors
    server, web, console = (az.graph.named(f"MCP {name}") for name in ("server", "web chat", "console"))
    assert server["identifierUris"] == [f"api://{server['appId']}", MCP_URL]
    assert server["api"]["preAuthorizedApplications"][0]["appId"] == VSCODE
    assert "made-by-graph" in output
    assert len(web["keyCredentials"]) == 1
    assert az.graph.federated[web["id"]][0]["subject"] == IDENTITY
    assert len(az.graph.principals) == 4
    assert len(az.graph.grants) == 3
    assert console["isFallbackPublicClient"] is True
