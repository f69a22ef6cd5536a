"""Tokens from azure-identity's kind of credentials: kept, renewed, and asked for again when refused."""

# ruff: noqa: ARG002 - doubles keep the signatures of what they stand for

import asyncio
import base64
import threading
from typing import Any

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from mcpsecurity.client import CredentialAuth, SignInRequiredError

SCOPE = "api://x/mcp:tools"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class SyncCredential:
    """Gives numbered tokens and keeps how it was asked, and in which thread."""

    def __init__(self, lifetime: int = 3600) -> None:
        self.lifetime = lifetime
        self.asked: list[dict[str, Any]] = []
        self.threads: set[int] = set()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        assert scopes == (SCOPE,)
        self.asked.append(options)
        self.threads.add(threading.get_ident())
        return AccessToken(f"token-{len(self.asked)}", int(Clock.now) + self.lifetime)


class AsyncCredential(SyncCredential):
    async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override] # the async kind
        return super().get_token(*scopes, **options)


def server(*good: str, challenge: str = "Bearer") -> tuple[httpx.AsyncClient, list[str]]:
    """Return a client of a server that accepts only these tokens, and the tokens that it saw."""
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))
        if seen[-1] in good:
            return httpx.Response(200)
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})

    return httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="https://mcp.example"), seen


@pytest.mark.parametrize("kind", [SyncCredential, AsyncCredential])
async def test_a_token_is_kept_and_replaced_five_minutes_before_its_end(kind: type[SyncCredential]) -> None:
    credential, clock = kind(), Clock()
    auth = CredentialAuth(credential, SCOPE, clock=clock)
    http, seen = server("token-1", "token-2")
    async with http:
        await asyncio.gather(*(http.get("/", auth=auth) for _ in range(5)))
        clock.now = 1000 + 3600 - 301
        await http.get("/", auth=auth)
        clock.now += 2
        await http.get("/", auth=auth)
    assert seen == ["token-1"] * 6 + ["token-2"]
    assert credential.asked == [{}, {}]


async def test_a_sync_credential_does_not_block_the_loop() -> None:
    credential = SyncCredential()
    http, _ = server("token-1")
    async with http:
        await http.get("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))
    assert threading.get_ident() not in credential.threads


async def test_a_refused_token_is_got_anew_with_the_claims_that_the_server_wants() -> None:
    wanted = '{"access_token":{"nbf":{"essential":true}}}'
    encoded = base64.b64encode(wanted.encode()).decode()
    credential = SyncCredential()
    http, seen = server("token-2", challenge=f'Bearer error="insufficient_claims", claims="{encoded}"')
    async with http:
        response = await http.get("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))
    assert response.status_code == 200
    assert seen == ["token-1", "token-2"]
    assert credential.asked == [{}, {"claims": wanted, "enable_cae": True}]


async def test_the_same_token_is_not_sent_twice() -> None:
    class Stubborn(SyncCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            return super().get_token(*scopes, **options)._replace(token="same")

    http, seen = server()
    async with http:
        response = await http.get("/", auth=CredentialAuth(Stubborn(), SCOPE, clock=Clock()))
    assert response.status_code == 401
    assert seen == ["same"]


async def test_a_credential_that_can_leave_its_cache_aside_is_asked_to() -> None:
    class Caching(AsyncCredential):
        async def get_token(self, *scopes: str, **options: Any) -> AccessToken:  # type: ignore[override] # see above
            return AccessToken("cached", int(Clock.now) + 3600)

        async def get_fresh_token(self, scope: str, *, claims: str | None = None) -> AccessToken:
            assert (scope, claims) == (SCOPE, None)
            return AccessToken("fresh", int(Clock.now) + 3600)

    http, seen = server("fresh")
    credential: Any = Caching()
    async with http:
        auth = CredentialAuth(credential, SCOPE, clock=Clock())
        assert [(await http.get("/", auth=auth)).status_code for _ in range(2)] == [200, 200]
    assert seen == ["cached", "fresh", "fresh"]


async def test_a_credential_without_a_token_is_a_typed_error_of_one_line() -> None:
    class Broken(SyncCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            raise ClientAuthenticationError("AADSTS65001: consent is needed\nTrace ID: 1234")

    http, seen = server()
    async with http:
        with pytest.raises(SignInRequiredError, match=r"consent is needed$") as caught:
            await http.get("/", auth=CredentialAuth(Broken(), SCOPE, clock=Clock()))
    assert caught.value.scope == SCOPE
    assert seen == []
