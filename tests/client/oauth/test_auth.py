"""A connection to an MCP server whose people sign in at an authorization server of its own: the SDK's."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.support.eventually import eventually
from tests.support.oauth import Instead, SignedInServer, browser, protected, query_of

from mcpsecurity.client import (
    BridgeError,
    McpConnection,
    ServerUnavailableError,
    SignInRequiredError,
    result_text,
)
from mcpsecurity.client.oauth import (
    BoundedRequests,
    BrowserPerson,
    ClientId,
    GrantStore,
    MemoryStore,
    OAuthAuth,
    OAuthSignIn,
    browser_auth,
    read_grant,
)
from mcpsecurity.runtime.tls import client_ssl_context

WHO = "/.well-known/oauth-protected-resource/mcp"
HOW = "/.well-known/oauth-authorization-server"


class Visits:
    """A browser that counts its visits; `open` may be another than one that signs in."""

    def __init__(self, open_page: Callable[[str], bool] = browser) -> None:
        self.urls: list[str] = []
        self._open = open_page

    def __call__(self, url: str) -> bool:
        self.urls.append(url)
        return self._open(url)


def auth_for(
    server: SignedInServer, visits: Visits, store: GrantStore | None = None, client: ClientId | None = None
) -> OAuthAuth:
    return browser_auth(server.url, client=client, store=store, tell=lambda _: None, open_page=visits)


async def whoami(server: SignedInServer, auth: httpx.Auth, **options: Any) -> str:
    async with McpConnection(server.url, auth=auth, **options) as connection:
        return result_text(await connection.call_tool("whoami", {}))


async def test_a_person_signs_in_where_the_server_says_and_its_tools_answer() -> None:
    visits = Visits()
    async with protected() as server:
        assert await whoami(server, auth_for(server, visits)) == "a person"
    [asked] = server.tokens.asked
    assert (asked.resource, asked.scopes) == (server.url, ["notes"])
    assert len(visits.urls) == 1
    [token] = server.tokens.access.values()
    assert token.resource == server.url


async def test_what_was_kept_is_used_by_the_next_program_without_a_sign_in() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        for _ in range(2):
            assert await whoami(server, auth_for(server, visits, store)) == "a person"
    assert len(visits.urls) == 1


async def test_a_token_that_is_over_is_refreshed_without_the_person() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected(seconds=20) as server:  # which is too short to begin a request with
        await whoami(server, auth_for(server, visits, store))
        before = server.tokens.refreshed
        await whoami(server, auth_for(server, visits, store))
    assert server.tokens.refreshed > before
    assert len(visits.urls) == 1


async def test_a_token_that_was_revoked_is_refreshed_without_the_person() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        await whoami(server, auth_for(server, visits, store))
        server.tokens.access.clear()
        await whoami(server, auth_for(server, visits, store))
    assert server.tokens.refreshed == 1
    assert len(visits.urls) == 1


async def test_when_nothing_is_left_to_refresh_with_the_person_signs_in_as_the_same_client() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        await whoami(server, auth_for(server, visits, store))
        server.tokens.access.clear()
        server.tokens.refresh.clear()
        await whoami(server, auth_for(server, visits, store))
    assert len(visits.urls) == 2
    assert len(server.tokens.clients) == 1


async def test_requests_that_need_a_sign_in_at_once_share_it() -> None:
    visits = Visits()
    async with protected() as server:
        auth = auth_for(server, visits)
        async with McpConnection(server.url, auth=auth) as connection:
            server.tokens.access.clear()
            server.tokens.refresh.clear()
            results = await asyncio.gather(*(connection.call_tool("whoami", {}) for _ in range(5)))
    assert {result_text(result) for result in results} == {"a person"}
    assert len(visits.urls) == 2


@pytest.mark.slow
async def test_a_person_may_take_longer_to_sign_in_than_the_server_to_answer() -> None:
    def slowly(url: str) -> bool:
        time.sleep(2)  # the person's time, in the browser's own thread
        return browser(url)

    async with protected() as server:
        assert await whoami(server, auth_for(server, Visits(slowly)), timeout=1.0) == "a person"


async def refused(
    instead: Instead | None = None,
    open_page: Callable[[str], bool] = browser,
    client: ClientId | None = None,
    **options: Any,
) -> str:
    """Return why nobody is signed in; each time the server is asked twice, to see that this is no loop."""
    visits = Visits(open_page)
    async with protected(instead, **options) as server:
        auth = auth_for(server, visits, client=client)
        with pytest.raises(BridgeError) as raised:
            await whoami(server, auth)
    assert len(visits.urls) <= 1
    return str(raised.value).replace(httpx.URL(server.url).netloc.decode(), "HOST")


async def test_a_person_who_declines_is_not_asked_again_for_the_same_request() -> None:
    assert await refused(denies=True) == "You did not sign in at HOST, or it gave no access."


async def test_an_authorization_server_that_registers_nobody_is_told_with_what_it_says() -> None:
    assert await refused(registers=False) == (
        "HOST, where the MCP server at HOST has people sign in, lets no client register by itself. Register "
        "one there, and set its client ID. It says: Ask the administrator."
    )


async def test_a_client_that_was_registered_by_hand_needs_no_registration() -> None:
    visits = Visits()
    async with protected() as server:
        await whoami(server, auth_for(server, visits))
        registered = next(iter(server.tokens.clients.values()))
        server.tokens.registers = False
        by_hand = ClientId(str(registered.client_id), registered.client_secret)
        # The SDK's authorization server wants the very redirect URI; others leave its port open.
        page = BrowserPerson(lambda _: None, visits)
        sign_in = OAuthSignIn(
            server.url, BoundedRequests(server.url, client_ssl_context(None)), client=by_hand
        )
        redirects = registered.redirect_uris or []
        async with page.page(str(redirects[0])) as opened:
            pending = await sign_in.begin(await sign_in.probe(), opened.redirect_uri)
            grant = await sign_in.complete(pending, await opened.answer(pending.url, pending.state))
    assert grant.access_token in server.tokens.access
    assert len(server.tokens.clients) == 1


async def test_a_server_that_does_not_say_where_to_sign_in_is_told() -> None:
    nothing = {WHO: 404, "/.well-known/oauth-protected-resource": 404, HOW: 404}
    assert await refused(nothing) == (
        "The MCP server at HOST asks for a sign-in, and does not say where: it names no authorization server."
    )


async def test_a_server_of_before_june_2025_is_its_own_authorization_server() -> None:
    visits = Visits()
    async with protected({WHO: 404, "/.well-known/oauth-protected-resource": 404}) as server:
        assert await whoami(server, auth_for(server, visits)) == "a person"


async def test_a_server_that_wants_tokens_for_another_gets_none() -> None:
    other = {"resource": "https://bank.example/mcp", "authorization_servers": ["http://127.0.0.1:9"]}
    assert await refused({WHO: other}) == (
        "The MCP server at HOST wants a token for https://bank.example/mcp, which is not its own address. No "
        "sign-in was begun."
    )


async def test_an_authorization_server_that_is_down_is_told() -> None:
    async with protected() as server:
        document = {"resource": server.url, "authorization_servers": ["http://127.0.0.1:9"]}
    port = httpx.URL(server.url).port
    text = await refused({WHO: document}, port=port)
    assert text == "http://127.0.0.1:9, where the MCP server at HOST has people sign in, does not answer."


async def test_a_document_of_another_authorization_server_is_refused() -> None:
    document = {
        "issuer": "https://other.example",
        "authorization_endpoint": "https://other.example/authorize",
        "token_endpoint": "https://other.example/token",
        "code_challenge_methods_supported": ["S256"],
    }
    assert "which says that it is https://other.example/" in await refused({HOW: document})


async def test_an_authorization_server_without_pkce_is_refused() -> None:
    async with protected() as server:
        origin = server.url.removesuffix("/mcp")
    document = {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/authorize",
        "token_endpoint": f"{origin}/token",
    }
    text = await refused({HOW: document}, port=httpx.URL(origin).port)
    assert "does not say that it protects a sign-in by PKCE" in text


async def test_an_answer_that_names_another_issuer_is_refused() -> None:
    text = await refused(issuer="https://other.example")
    assert text == "The sign-in came from another authorization server than HOST."


async def test_an_answer_without_an_issuer_is_refused_where_one_was_promised() -> None:
    async with protected() as server:
        origin = server.url.removesuffix("/mcp")
    document = {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/authorize",
        "token_endpoint": f"{origin}/token",
        "registration_endpoint": f"{origin}/register",
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }
    text = await refused({HOW: document}, port=httpx.URL(origin).port)
    assert text == "The sign-in came from another authorization server than HOST."
    assert await refused({HOW: document}, port=httpx.URL(origin).port, issuer=origin, forgets=True) != text
    declined = await refused({HOW: document}, port=httpx.URL(origin).port, denies=True)
    assert declined.startswith("You did not sign in at")


class SlowStore(MemoryStore):
    """A store that saves once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_save = asyncio.Event()
        self.may_save.set()

    async def save(self, text: str | None) -> None:
        await self.may_save.wait()
        await super().save(text)


async def test_a_caller_that_leaves_during_a_refresh_does_not_cost_the_refresh_token() -> None:
    store, visits = SlowStore(), Visits()
    async with protected(seconds=20) as server:
        await whoami(server, auth_for(server, visits, store))
        kept, before = await store.load(), server.tokens.refreshed
        store.may_save.clear()
        flow = auth_for(server, visits, store).async_auth_flow(httpx.Request("POST", server.url))
        leaving = asyncio.ensure_future(anext(flow))
        await eventually(lambda: server.tokens.refreshed > before)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        store.may_save.set()

        async def saved() -> bool:
            return await store.load() != kept

        await eventually(saved)
        assert await whoami(server, auth_for(server, visits, store)) == "a person"
    assert len(visits.urls) == 1


async def test_a_refresh_that_is_refused_with_status_200_leads_to_a_sign_in() -> None:
    store, visits, instead = MemoryStore(), Visits(), Instead()
    async with protected(instead, seconds=20) as server:
        await whoami(server, auth_for(server, visits, store))
        instead["/token"] = {"error": "bad_refresh_token"}
        signing_in = auth_for(server, Visits(lambda _: False), store)
        with pytest.raises(SignInRequiredError, match="no browser"):
            await whoami(server, signing_in)


async def test_a_token_that_cannot_be_renewed_is_used_until_it_is_refused() -> None:
    store, visits, instead = MemoryStore(), Visits(), Instead()
    async with protected(instead) as server:
        await whoami(server, auth_for(server, visits, store))
        grant = read_grant(await store.load())
        assert grant is not None
        assert grant.tokens is not None
        once = grant.tokens.model_copy(update={"refresh_token": None})
        await store.save(grant.model_copy(update={"tokens": once, "expires_at": 1.0}).model_dump_json())
        assert await whoami(server, auth_for(server, visits, store)) == "a person"
    assert len(visits.urls) == 1


async def test_a_token_that_is_refused_right_after_the_sign_in_begins_no_other_one() -> None:
    text = await refused(forgets=True)
    assert text == "The MCP server at HOST refuses the token of its own sign-in at 127.0.0.1."


async def test_a_code_that_is_refused_is_told_without_what_else_is_said() -> None:
    text = await refused({"/token": {"error": "invalid_grant", "error_description": "SECRET"}})
    assert text == "HOST gave no token: invalid_grant."


async def test_without_a_browser_nobody_waits() -> None:
    assert await refused(open_page=lambda _: False) == "There is no browser on this machine."


async def test_an_authorization_server_that_is_away_at_a_refresh_keeps_the_grant() -> None:
    store, visits, instead = MemoryStore(), Visits(), Instead()
    async with protected(instead) as server:
        await whoami(server, auth_for(server, visits, store))
        server.tokens.access.clear()
        instead["/token"] = 503
        with pytest.raises(ServerUnavailableError, match="gave no token: HTTP 503"):
            await whoami(server, auth_for(server, visits, store))
        del instead["/token"]
        await whoami(server, auth_for(server, visits, store))
    assert len(visits.urls) == 1


async def test_the_tokens_go_to_no_other_origin() -> None:
    async with protected() as server:
        auth = auth_for(server, Visits())
        await whoami(server, auth)
        async with httpx.AsyncClient(auth=auth, trust_env=False) as client:
            for url, problem in (
                ("https://other.example/mcp", "is not sent to other.example"),
                ("http://other.example/mcp", "by https only"),
                (server.url.replace("127.0.0.1", "localhost"), "is not sent to localhost"),
            ):
                with pytest.raises(BridgeError, match=problem):
                    await client.get(url)


async def test_signing_out_forgets_everything() -> None:
    store, visits = MemoryStore(), Visits()
    async with protected() as server:
        auth = auth_for(server, visits, store)
        await whoami(server, auth)
        assert auth.authorization_server == "127.0.0.1"
        await auth.sign_out()
        assert await store.load() is None
        await whoami(server, auth)
    assert len(visits.urls) == 2


async def test_no_secret_of_a_sign_in_is_logged_or_shown(caplog: pytest.LogCaptureFixture) -> None:
    store, visits = MemoryStore(), Visits()
    caplog.set_level(logging.DEBUG)
    async with protected() as server:
        await whoami(server, auth_for(server, visits, store))
    grant = read_grant(await store.load())
    assert grant is not None
    assert grant.tokens is not None
    secrets = [grant.tokens.access_token, grant.tokens.refresh_token, query_of(visits.urls[0])["state"]]
    told = caplog.text + repr(grant)
    assert [secret for secret in secrets if str(secret) in told] == []


async def test_a_sign_in_for_more_scopes_asks_for_those_held_as_well() -> None:
    visits = Visits()
    async with protected() as server:
        auth = auth_for(server, visits)
        await whoami(server, auth)
        wants = {"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="more"'}

        def answer(request: httpx.Request) -> httpx.Response:
            token = server.tokens.access[request.headers["Authorization"].removeprefix("Bearer ")]
            return httpx.Response(200) if "more" in token.scopes else httpx.Response(403, headers=wants)

        async with httpx.AsyncClient(auth=auth, transport=httpx.MockTransport(answer)) as client:
            assert (await client.get(server.url)).status_code == 200
    assert server.tokens.asked[-1].scopes == ["notes", "more"]


async def test_a_sign_in_that_needs_the_person_is_an_error_of_its_own() -> None:
    async with protected(denies=True) as server:
        with pytest.raises(SignInRequiredError):
            await whoami(server, auth_for(server, Visits()))
