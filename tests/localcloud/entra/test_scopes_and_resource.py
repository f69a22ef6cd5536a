"""The `scope` and `resource` parameters, as Entra treats them."""

from typing import TYPE_CHECKING

import pytest

from mcpsecurity.localcloud import LocalCloud

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import RelyingParty

MCP_URL = "http://localhost:7133/mcp"


async def test_a_client_that_follows_the_mcp_specification_gets_a_token(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    code = await party.code(scope=f"{MCP_URL}/mcp:tools", resource=MCP_URL)

    status, answer = await party.redeem(code, resource=MCP_URL)

    assert status == 200
    assert answer["scope"] == f"{MCP_URL}/mcp:tools"
    assert "id_token" not in answer
    assert "refresh_token" not in answer
    claims = await party.claims(answer["access_token"], cloud.api_client_id)
    assert claims["scp"] == "mcp:tools"
    assert "preferred_username" not in claims, "the profile scope was not asked for"


async def test_the_application_id_uri_is_a_resource_too(party: "RelyingParty", cloud: LocalCloud) -> None:
    answer = await party.authorize(resource=f"api://{cloud.api_client_id}")

    assert "code" in answer


@pytest.mark.parametrize(
    ("scope", "resource"),
    [
        ("api://10ca1c10-0d00-4000-8000-0000000000a1/mcp:tools", "http://localhost:9999/mcp"),
        ("api://10ca1c10-0d00-4000-8000-0000000000a1/mcp:tools", f"{MCP_URL}/"),
        ("api://10ca1c10-0d00-4000-8000-0000000000a1/mcp:tools", "https://graph.microsoft.com"),
        ("User.Read", MCP_URL),
        ("openid profile", MCP_URL),
        (f"User.Read {MCP_URL}/mcp:tools", MCP_URL),
    ],
)
async def test_a_resource_that_does_not_own_the_scopes_is_refused(
    party: "RelyingParty", scope: str, resource: str
) -> None:
    answer = await party.authorize(scope=scope, resource=resource)

    assert answer["error"] == "invalid_target"
    assert answer["error_description"].startswith("AADSTS9010010: ")


async def test_a_short_scope_is_looked_for_in_graph(party: "RelyingParty") -> None:
    answer = await party.authorize(scope="mcp:tools", resource=MCP_URL)

    assert answer["error_description"].startswith("AADSTS650053: ")
    assert "00000003-0000-0000-c000-000000000000" in answer["error_description"]


async def test_a_token_is_for_one_api(party: "RelyingParty", cloud: LocalCloud) -> None:
    both = f"openid offline_access User.Read {cloud.scope}"

    several = await party.redeem(await party.code(scope=both), scope=both)
    unsaid = await party.redeem(await party.code(scope=both))
    status, graph = await party.redeem(await party.code(scope=both), scope="User.Read")
    _, api = await party.token(
        grant_type="refresh_token", refresh_token=graph["refresh_token"], scope=cloud.scope
    )

    assert several[1]["error_codes"] == [28000]
    assert unsaid[1]["error_codes"] == [28003]
    assert (status, graph["scope"]) == (200, "User.Read")
    assert api["scope"] == cloud.scope


async def test_sign_in_alone_gives_a_token_of_graph(party: "RelyingParty", cloud: LocalCloud) -> None:
    _, answer = await party.redeem(await party.code(scope="openid profile email"))

    assert answer["scope"] == "openid profile email"
    identity = await party.claims(answer["id_token"], cloud.web_client_id)
    assert identity["email"] == "alice@contoso.example"
    await party.claims(answer["access_token"], "00000003-0000-0000-c000-000000000000")


async def test_default_stands_for_all_scopes_of_the_api(party: "RelyingParty", cloud: LocalCloud) -> None:
    cloud.tenant.directory.publish_scope("mcp:admin", "Administer the MCP server")

    _, answer = await party.redeem(await party.code(scope=f"{MCP_URL}/.default"))

    claims = await party.claims(answer["access_token"], cloud.api_client_id)
    assert claims["scp"].split() == ["mcp:tools", "mcp:admin"]


async def test_the_urls_of_the_services_can_be_registered_later(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    cloud.register_mcp_url("http://127.0.0.1:1234/mcp")
    cloud.register_webclient_url("http://127.0.0.1:4321/")

    answer = await party.authorize(
        scope="http://127.0.0.1:1234/mcp/mcp:tools",
        resource="http://127.0.0.1:1234/mcp",
        redirect_uri="http://127.0.0.1:4321/signin-oidc",
    )

    assert "code" in answer


async def test_a_guest_brings_the_home_identity(party: "RelyingParty", cloud: LocalCloud) -> None:
    _, answer = await party.redeem(await party.code(login_hint="Guest@Fabrikam.example"))

    claims = await party.claims(answer["access_token"], cloud.api_client_id)
    assert claims["tid"] == cloud.tenant_id
    assert claims["acct"] == 1
    assert claims["idp"].startswith("https://sts.windows.net/fab21ca0-")
    assert claims["preferred_username"] == "guest@fabrikam.example"
