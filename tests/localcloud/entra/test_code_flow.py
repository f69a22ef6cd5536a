"""The authorization code flow, without a library on the client's side."""

from typing import TYPE_CHECKING

from mcpsecurity.localcloud import LocalCloud
from mcpsecurity.localcloud.entra.ids import COGNITIVE_SERVICES_ID

if TYPE_CHECKING:
    from tests.localcloud.entra.conftest import RelyingParty


async def test_a_silent_request_with_a_login_hint_is_answered_with_a_code_at_once(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    answer = await party.authorize()

    assert answer["state"] == "a state"
    assert answer["iss"] == cloud.issuer
    assert answer["code"]


async def test_a_code_is_redeemed_for_tokens_shaped_like_entras(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    status, answer = await party.redeem(await party.code())

    assert status == 200
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert answer["scope"] == cloud.scope
    access = await party.claims(answer["access_token"], cloud.api_client_id)
    assert access["scp"] == "mcp:tools"
    assert (access["tid"], access["ver"]) == (cloud.tenant_id, "2.0")
    assert (access["azp"], access["azpacr"]) == (cloud.web_client_id, "1")
    identity = await party.claims(answer["id_token"], cloud.web_client_id)
    assert (identity["nonce"], identity["preferred_username"]) == ("a nonce", "alice@contoso.example")
    assert identity["oid"] == access["oid"]
    assert identity["sub"] != access["sub"]


async def test_a_refresh_token_gives_fresh_tokens(party: "RelyingParty", cloud: LocalCloud) -> None:
    _, first = await party.redeem(await party.code())

    status, second = await party.token(grant_type="refresh_token", refresh_token=first["refresh_token"])

    assert status == 200
    assert second["refresh_token"] != first["refresh_token"]
    claims = await party.claims(second["access_token"], cloud.api_client_id)
    assert claims["preferred_username"] == "alice@contoso.example"


async def test_a_daemon_gets_an_app_only_token(party: "RelyingParty", cloud: LocalCloud) -> None:
    status, answer = await party.token(
        grant_type="client_credentials",
        client_id=cloud.daemon_client_id,
        client_secret=cloud.daemon_client_secret,
        scope=f"api://{cloud.api_client_id}/.default",
    )

    assert status == 200
    claims = await party.claims(answer["access_token"], cloud.api_client_id)
    assert claims["idtyp"] == "app"
    assert claims["roles"] == ["Mcp.Tools.All"]
    assert "scp" not in claims


async def test_a_daemons_role_counts_at_the_mcp_server_only(party: "RelyingParty", cloud: LocalCloud) -> None:
    status, answer = await party.token(
        grant_type="client_credentials",
        client_id=cloud.daemon_client_id,
        client_secret=cloud.daemon_client_secret,
        scope="https://cognitiveservices.azure.com/.default",
    )

    assert status == 200
    assert "roles" not in await party.claims(answer["access_token"], COGNITIVE_SERVICES_ID)


async def test_tokens_made_in_process_are_as_the_endpoint_makes_them(
    party: "RelyingParty", cloud: LocalCloud
) -> None:
    _, answer = await party.redeem(await party.code())
    issued = await party.claims(answer["access_token"], cloud.api_client_id)

    made = await party.claims(cloud.access_token("alice@contoso.example"), cloud.api_client_id)
    changed = await party.claims(cloud.access_token(scp=None, azp="another"), cloud.api_client_id)

    varying = {"uti", "iat", "nbf", "exp"}
    assert {k: v for k, v in made.items() if k not in varying} == {
        k: v for k, v in issued.items() if k not in varying
    }
    assert "scp" not in changed
    assert changed["azp"] == "another"
    assert (await party.claims(cloud.app_token(), cloud.api_client_id))["idtyp"] == "app"
