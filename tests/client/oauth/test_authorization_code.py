"""What single authorization servers want of a sign-in."""

import pytest
from tests.client.oauth.test_auth import HOW, WHO, Visits, auth_for, whoami
from tests.support.oauth import Instead, SignedInServer, protected, query_of

from mcpsecurity.client import AccessDeniedError, McpConnection, ServerUnavailableError, result_text
from mcpsecurity.client.oauth import BoundedRequests, MemoryStore, OAuthSignIn
from mcpsecurity.runtime.tls import client_ssl_context

REDIRECT = "http://127.0.0.1:1/callback"


async def asked(server: SignedInServer) -> dict[str, str]:
    """Return what the person's browser is sent with."""
    sign_in = OAuthSignIn(server.url, BoundedRequests(server.url, client_ssl_context(None)))
    return query_of((await sign_in.begin(await sign_in.probe(), REDIRECT)).url)


async def test_a_client_registers_without_scopes_where_those_of_a_resource_are_not_known() -> None:
    async with protected(knows_scopes=False) as server:
        query = await asked(server)
    [client] = server.tokens.clients.values()
    assert (client.scope, query["scope"]) == (None, "notes")


@pytest.mark.parametrize(
    ("more", "prompt"),
    [
        ({"scopes_supported": ["notes"]}, None),
        ({"scopes_supported": ["openid", "offline_access"]}, "consent"),
        ({"scopes_supported": ["offline_access"], "cloud_instance_name": "microsoftonline.com"}, None),
    ],
    ids=["no refresh tokens by scope", "refresh tokens by consent", "Entra ID"],
)
async def test_the_person_is_asked_where_refresh_tokens_are_given_by_consent(
    more: Instead, prompt: str | None
) -> None:
    instead = Instead()
    async with protected(instead) as server:
        origin = server.url.removesuffix("/mcp")
        instead[HOW] = {
            "issuer": origin,
            **{f"{name}_endpoint": f"{origin}/{name}" for name in ("authorization", "token")},
            "registration_endpoint": f"{origin}/register",
            "code_challenge_methods_supported": ["S256"],
            **more,
        }
        server.tokens.knows_scopes = False
        assert (await asked(server)).get("prompt") == prompt


async def test_after_signing_out_the_end_of_the_session_has_nobody_sign_in() -> None:
    visits = Visits()
    async with protected() as server:
        auth = auth_for(server, visits)
        async with McpConnection(server.url, auth=auth) as connection:
            assert result_text(await connection.call_tool("whoami", {})) == "a person"
            await auth.sign_out()
    assert len(visits.urls) == 1


async def test_more_scopes_than_an_address_can_carry_are_left_out() -> None:
    instead = Instead()
    async with protected(instead) as server:
        origin, many = server.url.removesuffix("/mcp"), [f"scope-{n}" * 10 for n in range(1000)]
        instead[WHO] = {"resource": server.url, "authorization_servers": [origin], "scopes_supported": many}
        server.tokens.knows_scopes = False
        query = await asked(server)
    assert 0 < len(query["scope"]) < 5000
    assert set(query["scope"].split()) <= {"notes", *many}


@pytest.mark.parametrize("names_it", [True, False], ids=["names its server", "is its server"])
async def test_a_server_that_refuses_strangers_by_403_has_them_sign_in(names_it: bool) -> None:
    instead: Instead = {"/mcp to a stranger": 403, **({} if names_it else {WHO: 404})}
    async with protected(instead) as server:
        assert await whoami(server, auth_for(server, Visits())) == "a person"


async def test_a_server_that_refuses_everybody_asks_for_no_sign_in() -> None:
    visits = Visits()
    for instead in ({"/mcp": 403}, {"/mcp": 403, WHO: 404, HOW: 404}):
        async with protected(instead) as server:
            with pytest.raises(AccessDeniedError):
                await whoami(server, auth_for(server, visits))
    assert len(visits.urls) == 1


@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error"])
async def test_a_refresh_that_is_refused_for_now_costs_no_sign_in(error: str) -> None:
    instead, visits, store = Instead(), Visits(), MemoryStore()
    async with protected(instead) as server:
        await whoami(server, auth_for(server, visits, store))
        server.tokens.access.clear()
        instead["/token"] = {"error": error}
        with pytest.raises(ServerUnavailableError, match=error):
            await whoami(server, auth_for(server, visits, store))
        del instead["/token"]
        assert await whoami(server, auth_for(server, visits, store)) == "a person"
    assert len(visits.urls) == 1
