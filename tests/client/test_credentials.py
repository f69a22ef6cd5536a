"""Tokens from azure-identity's kind of credentials: kept, renewed, and asked for again when refused."""

# ruff: noqa: ARG002 - doubles keep the signatures of what they stand for

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import AioHttpTransport, RequestsTransport
from azure.identity import DeviceCodeCredential
from azure.identity.aio import ClientSecretCredential
from tests.support.device import enter_code

from mcpsecurity.client import CredentialAuth, McpConnection, SignInRequiredError
from mcpsecurity.testing import LocalStack

SCOPE = "api://x/mcp:tools"
WANTED = '{"access_token":{"nbf":{"essential":true}}}'
CHALLENGE = base64.b64encode(WANTED.encode()).decode()


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
    assert credential.asked == [{"claims": None, "enable_cae": True}] * 2


async def test_a_sync_credential_does_not_block_the_loop() -> None:
    credential = SyncCredential()
    http, _ = server("token-1")
    async with http:
        await http.get("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))
    assert threading.get_ident() not in credential.threads


async def test_a_refused_token_is_renewed_with_the_claims_that_the_server_wants() -> None:
    credential = SyncCredential()
    http, seen = server("token-2", challenge=f'Bearer error="insufficient_claims", claims="{CHALLENGE}"')
    async with http:
        response = await http.get("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))
    assert response.status_code == 200
    assert seen == ["token-1", "token-2"]
    assert credential.asked == [{"claims": claims, "enable_cae": True} for claims in (None, WANTED)]


class OldCredential(SyncCredential):
    """As credentials were before azure-core had these keywords."""

    def get_token(self, *scopes: str) -> AccessToken:  # type: ignore[override] # see above
        return super().get_token(*scopes)


class OldAsyncCredential(OldCredential):
    async def get_token(self, *scopes: str) -> AccessToken:  # type: ignore[override] # the async kind
        return super().get_token(*scopes)


@pytest.mark.parametrize("kind", [OldCredential, OldAsyncCredential])
async def test_a_credential_that_does_not_know_the_keywords_is_called_without_them(
    kind: type[SyncCredential],
) -> None:
    credential = kind()
    http, seen = server("token-2", challenge=f'Bearer error="insufficient_claims", claims="{CHALLENGE}"')
    async with http:
        response = await http.get("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))
    assert (response.status_code, seen) == (200, ["token-1", "token-2"])
    assert credential.asked == [{}, {}]


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


class ScopedCredential(SyncCredential):
    """Consents to the scopes in `given`; its tokens name what they are for."""

    def __init__(self, *given: str) -> None:
        super().__init__()
        self.given = given
        self.wanted: list[tuple[str, ...]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.wanted.append(scopes)
        if not set(scopes) <= {SCOPE, *self.given}:
            raise ClientAuthenticationError("AADSTS65001: no consent")
        return AccessToken(" ".join(scopes), int(Clock.now) + 3600)


def strict_server(scope: str) -> tuple[httpx.AsyncClient, list[str]]:
    """Return a client of a server that wants this scope, which it names in each refusal, and what it saw."""
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"].removeprefix("Bearer "))
        if scope in seen[-1].split():
            return httpx.Response(200)
        challenge = (
            f'Bearer error="insufficient_scope", scope="{SCOPE} {scope}", resource_metadata="https://x"'
        )
        return httpx.Response(403, headers={"WWW-Authenticate": challenge})

    return httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="https://mcp.example"), seen


async def test_a_403_that_names_scopes_is_answered_with_a_token_for_the_union_which_is_kept() -> None:
    credential = ScopedCredential("api://x/more")
    http, seen = strict_server("api://x/more")
    auth = CredentialAuth(credential, SCOPE, clock=Clock())
    async with http:
        assert [(await http.post("/", auth=auth)).status_code for _ in range(2)] == [200, 200]
    union = f"{SCOPE} api://x/more"
    assert seen == [SCOPE, union, union]
    assert credential.wanted == [(SCOPE,), (SCOPE, "api://x/more")]


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ("https://graph.microsoft.com/Mail.Read", "api://x/Mail.Read"),
        ("https://mcp.example/mcp/more", "api://x/more"),
        ("more", "api://x/more"),
    ],
)
async def test_a_server_names_permissions_and_never_the_api(named: str, asked: str) -> None:
    credential = ScopedCredential(asked)
    http, _ = strict_server(named)
    async with http:
        await http.post("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))
    assert credential.wanted[1:] == [(SCOPE, asked)]


async def test_without_consent_the_refusal_stands_and_is_asked_about_twice_at_most() -> None:
    credential = ScopedCredential()
    http, seen = strict_server("api://x/more")
    auth = CredentialAuth(credential, SCOPE, clock=Clock())
    async with http:
        assert [(await http.post("/", auth=auth)).status_code for _ in range(4)] == [403] * 4
    assert credential.wanted == [(SCOPE,)] + [(SCOPE, "api://x/more")] * 2
    assert seen == [SCOPE] * 4


async def test_a_server_that_wants_ever_more_scopes_is_followed_a_few_times() -> None:
    class Agreeable(ScopedCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            self.wanted.append(scopes)
            return AccessToken(f"token {len(self.wanted)}", int(Clock.now) + 3600)

    credential, count = Agreeable(), iter(range(1000))

    def handle(_: httpx.Request) -> httpx.Response:
        challenge = f'Bearer error="insufficient_scope", scope="api://x/more{next(count)}"'
        return httpx.Response(403, headers={"WWW-Authenticate": challenge})

    auth = CredentialAuth(credential, SCOPE, clock=Clock())
    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="https://x") as http:
        for _ in range(30):
            assert (await http.post("/", auth=auth)).status_code == 403
    assert len(credential.wanted) <= 9


@pytest.mark.parametrize("claims", ["", "not base64!", base64.b64encode(b"[1]").decode(), "e30" * 3000])
async def test_a_malformed_claims_challenge_is_a_plain_401(claims: str) -> None:
    credential = SyncCredential()
    http, _ = server("token-2", challenge=f'Bearer error="insufficient_claims", claims="{claims}"')
    async with http:
        assert (await http.get("/", auth=CredentialAuth(credential, SCOPE, clock=Clock()))).status_code == 200
    assert credential.asked == [{"claims": None, "enable_cae": True}] * 2


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as stack:
        stack.cloud.tenant.device_poll_interval = 1
        yield stack


def tenant_of(stack: LocalStack) -> dict[str, Any]:
    """Return the arguments of azure-identity's credentials that lead to the local tenant."""
    return {
        "tenant_id": stack.cloud.tenant_id,
        "authority": stack.cloud.authority,
        "disable_instance_discovery": True,
    }


CAPABLE = {"access_token": {"xms_cc": {"values": ["CP1"]}}}


@pytest.mark.slow
async def test_azure_identity_says_in_its_first_request_that_a_challenge_can_be_answered(
    stack: LocalStack,
) -> None:
    """A person signs in by device code; the claims of a tool's challenge lead to the second sign-in."""
    asked: list[dict[str, str]] = []
    people: list[threading.Thread] = []

    class Recording(RequestsTransport):  # type: ignore[misc] # untyped: it is loaded when it is asked for
        def send(self, request: Any, **options: Any) -> Any:
            if request.url.endswith("/token"):
                asked.append(dict(request.data))
            return super().send(request, **options)

    def sign_in(url: str, code: str, _: Any) -> None:
        people.append(threading.Thread(target=enter_code, args=(url, code)))
        people[-1].start()

    credential = DeviceCodeCredential(
        stack.cloud.public_client_id,
        **tenant_of(stack),
        transport=Recording(connection_verify=str(stack.cloud.ca_file)),
        prompt_callback=sign_in,
    )
    strict = stack.serve(tool_acrs={"get_random_number": "c1"})
    auth = CredentialAuth(credential, strict.scope)
    with credential:
        async with asyncio.timeout(60), McpConnection(strict.url, auth=auth) as connection:
            assert len(people) == 1
            assert json.loads(asked[0]["claims"]) == CAPABLE
            result = await connection.call_tool("get_random_number", {"min": 5, "max": 6})
    for person in people:
        person.join(20)
    assert not result.isError
    assert len(people) == 2
    both = {"acrs": {"essential": True, "value": "c1"}, **CAPABLE["access_token"]}
    assert json.loads(asked[-1]["claims"]) == {"access_token": both}


async def test_so_does_its_async_kind(stack: LocalStack) -> None:
    sent: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(200)

    asked: list[dict[str, str]] = []

    class Recording(AioHttpTransport):  # type: ignore[misc] # see above
        async def send(self, request: Any, **options: Any) -> Any:
            if request.url.endswith("/token"):
                asked.append(dict(request.data))
            return await super().send(request, **options)

    credential = ClientSecretCredential(
        client_id=stack.cloud.daemon_client_id,
        client_secret=stack.cloud.daemon_client_secret,
        **tenant_of(stack),
        transport=Recording(connection_verify=str(stack.cloud.ca_file)),
    )
    scope = f"{stack.cloud.scope.rpartition('/')[0]}/.default"
    async with credential, httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        await http.get("https://mcp.example", auth=CredentialAuth(credential, scope))
    (form,) = asked
    assert json.loads(form["claims"]) == CAPABLE
    assert jwt.decode(sent[0], options={"verify_signature": False})["idtyp"] == "app"
