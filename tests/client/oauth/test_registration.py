"""Becoming a client, and saying at the token endpoint who that is."""

from typing import Any

import pytest
from aiohttp import BasicAuth, web
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyUrl
from tests.client.oauth.test_auth import Visits, auth_for, whoami
from tests.client.oauth.test_authorization_code import REDIRECT
from tests.client.oauth.test_discovery import HOW, WHO, Answers, publishing, resource, server
from tests.support.oauth import Instead, protected, redirected

from mcpsecurity.client import BridgeError, ServerUnavailableError, SignInRequiredError
from mcpsecurity.client.oauth import BoundedRequests, ClientId, MemoryStore, OAuthSignIn, PendingSignIn
from mcpsecurity.runtime.tls import client_ssl_context


async def begun(url: str, client: ClientId | None = None) -> PendingSignIn:
    sign_in = OAuthSignIn(url, BoundedRequests(url, client_ssl_context(None)), client=client)
    return await sign_in.begin(await sign_in.probe(), REDIRECT)


@pytest.mark.parametrize(("status", "says"), [(429, "now: HTTP 429"), (503, "now: HTTP 503")])
async def test_a_registration_that_is_not_taken_now_is_no_refusal(status: int, says: str) -> None:
    answers: Answers = {WHO: resource(), HOW: server(registration_endpoint="ORIGIN/register")}
    async with publishing(answers | {"/register": status}) as url:
        with pytest.raises(ServerUnavailableError, match=says):
            await begun(url)


async def test_a_registration_that_wants_a_permission_tells_to_register_by_hand() -> None:
    answers: Answers = {WHO: resource(), HOW: server(registration_endpoint="ORIGIN/register")}
    async with publishing(answers | {"/register": 401}) as url:
        with pytest.raises(SignInRequiredError, match="Register one there, and set its client ID"):
            await begun(url)


@pytest.mark.parametrize(
    ("supported", "method"),
    [
        (["client_secret_basic", "client_secret_post", "none"], "client_secret_post"),
        (["client_secret_basic"], "client_secret_basic"),
        (["client_secret_post"], "client_secret_post"),
        (["private_key_jwt"], "client_secret_post"),
        (None, "client_secret_basic"),
    ],
)
async def test_a_secret_goes_into_the_form_where_that_may_be(supported: Any, method: str) -> None:
    answers: Answers = {WHO: resource(), HOW: server(token_endpoint_auth_methods_supported=supported)}
    async with publishing(answers) as url:
        pending = await begun(url, ClientId("by-hand", "secret"))
    assert pending.client.token_endpoint_auth_method == method


async def test_a_client_that_was_forgotten_is_not_used_a_third_time() -> None:
    """Its sign-in only ever shows an error of the authorization server, and never comes back."""
    store, known = MemoryStore(), Visits()
    async with protected() as notes:
        await whoami(notes, auth_for(notes, known, store))
        for forgotten in (notes.tokens.access, notes.tokens.refresh, notes.tokens.clients):
            forgotten.clear()
        with pytest.raises(BridgeError):
            await whoami(notes, auth_for(notes, Visits(lambda _: False), store))
        assert await whoami(notes, auth_for(notes, known, store)) == "a person"
    assert len(known.urls) == 2


@pytest.mark.parametrize("told", ["none", None], ids=["told not to send it", "told nothing"])
async def test_a_secret_that_comes_with_a_registration_is_sent_where_it_is_wanted(told: str | None) -> None:
    """As of the registrations that fastapi-mcp makes up, and of Supabase's."""
    instead = Instead()
    async with protected(instead) as notes:
        secret = {"client_id": "given", "client_secret": "secret"}
        instead["/register"] = secret | {"token_endpoint_auth_method": told}
        notes.tokens.clients["given"] = OAuthClientInformationFull(
            redirect_uris=[AnyUrl(REDIRECT)],
            token_endpoint_auth_method="client_secret_post",
            scope="notes",
            **secret,
        )
        sign_in = OAuthSignIn(notes.url, BoundedRequests(notes.url, client_ssl_context(None)))
        pending = await sign_in.begin(await sign_in.probe(), REDIRECT)
        grant = await sign_in.complete(pending, await redirected(pending.url))
        renewed = await sign_in.refresh(grant)
    assert renewed is not None
    assert renewed.access_token != grant.access_token


async def test_a_secret_that_is_not_decoded_is_sent_as_it_is() -> None:
    """As of oauth2-server for Node; others want it encoded (RFC 6749, 2.3.1)."""
    secret, seen = "s+e/c=r et", list[str]()

    async def token(request: web.Request) -> web.Response:
        seen.append(BasicAuth.decode(request.headers["Authorization"]).password)
        given = {"access_token": "a", "token_type": "bearer"}
        good = seen[-1] == secret
        return web.json_response(given if good else {"error": "invalid_client"}, status=200 if good else 400)

    answers: Answers = {WHO: resource(), HOW: server(), "/token": token}
    async with publishing(answers) as url:
        sign_in = OAuthSignIn(
            url, BoundedRequests(url, client_ssl_context(None)), client=ClientId("by-hand", secret)
        )
        pending = await sign_in.begin(await sign_in.probe(), REDIRECT)
        grant = await sign_in.complete(pending, {"state": pending.state, "code": "c"})
    assert grant.access_token == "a"
    assert seen == ["s%2Be%2Fc%3Dr%20et", secret]
