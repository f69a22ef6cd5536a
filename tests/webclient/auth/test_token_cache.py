"""The tokens for the MCP servers: renewed in time, once after a refusal, and seen by nobody."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msal  # type: ignore[import-untyped]
import pytest
from tests.browser.playground import Playground
from tests.browser.stack import Service, Stack
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.guarded import Door, guarded_app
from tests.webclient.visitor import Visitor
from yarl import URL

from mcpsecurity.client import ServerUnavailableError, SignInRequiredError
from mcpsecurity.localcloud.entra.errors import Sts
from mcpsecurity.runtime.tls import client_ssl_context
from mcpsecurity_webclient.auth.entra import EntraClient
from mcpsecurity_webclient.auth.token_cache import InMemoryTokenCacheStore

ACCESS_TOKEN = msal.TokenCache.CredentialType.ACCESS_TOKEN


class Guarded:
    """A chat with one MCP server that can refuse tokens."""

    def __init__(self, door: Door, url: str) -> None:
        self.door = door
        self.url = url


@pytest.fixture
async def guarded(stack: Stack, serve_web: ServeWeb) -> AsyncIterator[Guarded]:
    door, playground = Door(), Playground()
    service = Service(lambda: guarded_app(playground, door))
    await service.start()
    async with serve_web(mcp_server_url=f"http://localhost:{service.port}/mcp", more_servers=()) as url:
        yield Guarded(door, url)
    await service.stop()


async def _say(visitor: Visitor, text: str = "hello") -> dict[str, Any]:
    async with visitor.stream() as stream:
        await visitor.ask(text)
        return await stream.until("run.done")


async def test_a_refused_token_is_renewed_once_and_the_answer_goes_on(
    guarded: Guarded, visitors: NewPerson
) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    assert (await _say(visitor))["status"] == "completed"
    [first] = set(guarded.door.tokens)
    guarded.door.refuse_known()
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        call = (await stream.until("tool.proposed"))["call"]
        await visitor.decide(call, "approve")
        assert (await stream.until("tool.done"))["status"] == "done"
        await stream.until("run.done")
    assert len({first, *guarded.door.tokens}) == 2


async def test_a_token_that_is_refused_when_fresh_is_the_servers_matter_and_ends_no_session(
    guarded: Guarded, visitors: NewPerson
) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    guarded.door.shut = True
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        assert (await stream.until("run.done"))["status"] == "completed"
        assert "session.expired" not in stream.names
    pairs = list(zip(guarded.door.tokens[::2], guarded.door.tokens[1::2], strict=True))
    assert 1 <= len(pairs) <= 2, "the page asks the server when it opens, the message again if that has ended"
    assert all(first != second for first, second in pairs), "one request, and one more with a new token"
    [server] = (await visitor.snapshot())["servers"]
    assert (server["status"], server["sign_in_url"]) == ("sign_in", f"/signin?next=/chats/{visitor.chat_id}")
    guarded.door.shut = False
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        assert (await stream.until("tool.proposed"))["call"]["server"] == "Tools"


async def test_a_token_that_is_refused_during_a_call_fails_the_call_and_ends_no_session(
    guarded: Guarded, visitors: NewPerson
) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        call = (await stream.until("tool.proposed"))["call"]
        guarded.door.shut = True
        await visitor.decide(call, "approve")
        done = await stream.until("tool.done")
        assert (done["status"], "asks for a sign-in" in done["content"][0]["text"]) == ("failed", True)
        assert (await stream.until("run.done"))["status"] == "completed"
        assert [s["status"] for s in (await visitor.snapshot())["servers"]] == ["sign_in"]


async def test_a_session_that_gives_no_token_ends_and_keeps_the_conversation(
    guarded: Guarded, visitors: NewPerson, stack: Stack
) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    chat = visitor.chat_id
    guarded.door.shut = True
    stack.cloud.tenant.revoke_refresh_tokens(visitor.user)
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        ended = await stream.until("session.expired")
        url = f"/signin?next=/chats/{chat}&scope={stack.cloud.scope}"
        assert (ended["reason"], ended["sign_in_url"]) == ("token", url)
        await stream.ends()
    guarded.door.shut = False
    await visitor.sign_in(ended["sign_in_url"])
    assert visitor.chat_id == chat
    async with visitor.stream() as stream:
        snapshot = await stream.until("snapshot")
        assert [m["text"] for m in snapshot["messages"]] == ["hello"]
        assert snapshot["run"] is None
        assert (await visitor.command("regenerate")).status == 202
        assert (await stream.until("run.done"))["status"] == "completed"


async def test_a_command_that_needs_a_sign_in_is_told_where(guarded: Guarded, visitors: NewPerson) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    guarded.door.shut = True
    prompt = {"server": "Tools", "name": "any", "arguments": {}}
    answer = await visitor.command("messages", {"text": "", "prompt": prompt})
    assert (answer.status, answer.error["code"]) == (401, "sign_in")
    assert answer.error["sign_in_url"] == f"/signin?next=/chats/{visitor.chat_id}"
    catalog = await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")
    assert [s["status"] for s in catalog.body["servers"]] == ["sign_in"]


@pytest.mark.parametrize("encoded", [False, True], ids=["as JSON", "as base64"])
async def test_a_claims_challenge_of_a_server_reaches_the_tenant(
    guarded: Guarded, visitors: NewPerson, encoded: bool
) -> None:
    claims = '{ "access_token" : { "acrs" : { "essential" : true, "value" : "c1" } } }'
    quoted = base64.b64encode(claims.encode()).decode() if encoded else claims.replace('"', '\\"')
    visitor = await visitors(url=guarded.url).sign_in()
    guarded.door.shut, guarded.door.challenge = True, f'Bearer error="x", claims="{quoted}"'
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
        url = (await visitor.snapshot())["servers"][0]["sign_in_url"]
    authorize = URL(await visitor.begin(url), encoded=True)
    assert json.loads(authorize.query["claims"])["access_token"]["acrs"]["value"] == "c1"


@pytest.mark.parametrize("claims", ["{", "[]", "%25%25", "bm90IGpzb24", "%7B%22a%22:1" * 500])
async def test_claims_that_are_none_are_left_out(visitors: NewPerson, claims: str) -> None:
    authorize = URL(await visitors().begin(f"/signin?claims={claims}"), encoded=True)
    assert "acrs" not in authorize.query.get("claims", "")
    assert authorize.query.get("claims") in (None, '{"access_token": {"xms_cc": {"values": ["CP1"]}}}')


async def test_a_sign_in_asks_for_the_scope_of_another_server_but_for_no_other(
    visitors: NewPerson, serve_web: ServeWeb, stack: Stack
) -> None:
    more = ({"name": "other", "url": "http://localhost:9/mcp", "scope": "User.Read"},)
    async with serve_web(more_servers=more) as url:
        other = URL(await visitors(url=url).begin("/signin?scope=User.Read"), encoded=True)
        foreign = URL(await visitors(url=url).begin("/signin?scope=Mail.ReadWrite"), encoded=True)
    assert "User.Read" in other.query["scope"].split()
    assert "Mail.ReadWrite" not in foreign.query["scope"]
    assert stack.cloud.scope in foreign.query["scope"].split()


async def test_no_token_is_in_any_page_stream_or_cookie(guarded: Guarded, visitors: NewPerson) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        await stream.until("run.done")
        seen = [json.dumps(event.data) for event in stream.events]
    await visitor.get(f"/api/chats/{visitor.chat_id}/catalog")
    seen += visitor.pages + [morsel.value for morsel in visitor.cookies.values()]
    [token] = set(guarded.door.tokens)
    for part in (*token.split("."), "eyJ"):
        assert not any(part in text for text in seen)


@asynccontextmanager
async def _entra(stack: Stack, visitor: Visitor) -> AsyncIterator[tuple[EntraClient, Any]]:
    """A signed-in session "sid" of the client below the web chat, and its cache."""
    caches = InMemoryTokenCacheStore()
    tls = client_ssl_context(stack.cloud.ca_file)
    async with EntraClient(stack.web_settings(), caches, tls) as entra:
        flow = await entra.begin()
        callback = URL(await visitor.consent(flow["auth_uri"]))
        await entra.complete(flow, dict(callback.query), "sid")
        yield entra, caches.open("sid")


def _age(cache: Any, seconds_left: int) -> None:
    for entry in list(cache.search(ACCESS_TOKEN)):
        cache.modify(ACCESS_TOKEN, entry, {"expires_on": str(int(time.time()) + seconds_left)})


async def test_a_token_is_kept_while_it_is_good_and_renewed_before_it_expires(
    stack: Stack, visitors: NewPerson
) -> None:
    async with _entra(stack, visitors()) as (entra, cache):
        first = await entra.token("sid", [stack.cloud.scope], force=False)
        assert await entra.token("sid", [stack.cloud.scope], force=False) == first
        _age(cache, 200)
        second = await entra.token("sid", [stack.cloud.scope], force=False)
        assert second != first
        assert await entra.token("sid", [stack.cloud.scope], force=True) != second


async def test_many_who_need_a_new_token_at_once_cause_one_refresh(stack: Stack, visitors: NewPerson) -> None:
    async with _entra(stack, visitors()) as (entra, cache):
        _age(cache, 0)
        tokens = await asyncio.gather(
            *(entra.token("sid", [stack.cloud.scope], force=False) for _ in range(20))
        )
        assert len(set(tokens)) == 1


async def test_a_revoked_session_has_to_sign_in_again(stack: Stack, visitors: NewPerson) -> None:
    visitor = visitors()
    async with _entra(stack, visitor) as (entra, _):
        stack.cloud.tenant.revoke_refresh_tokens(visitor.user)
        with pytest.raises(SignInRequiredError):
            await entra.token("sid", [stack.cloud.scope], force=True)


async def test_what_conditional_access_asks_for_comes_with_the_error(
    stack: Stack, visitors: NewPerson
) -> None:
    async with _entra(stack, visitors()) as (entra, _):
        claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
        stack.cloud.tenant.faults.refuse(Sts.MFA_REQUIRED, grant_type="refresh_token", claims=claims)
        with pytest.raises(SignInRequiredError) as caught:
            await entra.token("sid", [stack.cloud.scope], force=True)
        assert caught.value.claims == claims
        assert caught.value.scope == stack.cloud.scope


@pytest.mark.parametrize("code", [Sts.TEMPORARY, Sts.THROTTLED], ids=["error", "throttled"])
async def test_a_passing_fault_of_the_tenant_is_no_reason_to_sign_in(
    stack: Stack, visitors: NewPerson, code: Any
) -> None:
    async with _entra(stack, visitors()) as (entra, _):
        stack.cloud.tenant.faults.refuse(code, grant_type="refresh_token")
        with pytest.raises(ServerUnavailableError, match="Entra ID cannot be reached"):
            await entra.token("sid", [stack.cloud.scope], force=True)


async def test_a_tenant_that_is_down_when_a_token_is_due_ends_the_answer_and_not_the_session(
    stack: Stack, guarded: Guarded, visitors: NewPerson
) -> None:
    visitor = await visitors(url=guarded.url).sign_in()
    assert (await _say(visitor))["status"] == "completed"
    guarded.door.refuse_known()
    stack.cloud.tenant.faults.down = True
    async with visitor.stream() as stream:
        await visitor.ask("Paint a painting")
        await visitor.decide((await stream.until("tool.proposed"))["call"], "approve")
        done = await stream.until("tool.done")
        assert done["status"] == "failed"
        assert "Entra ID cannot be reached" in done["content"][0]["text"]
        assert (await stream.until("run.done"))["status"] == "completed"
    stack.cloud.tenant.faults.clear()
    assert (await _say(visitor))["status"] == "completed"


async def test_a_session_without_tokens_has_to_sign_in(stack: Stack, visitors: NewPerson) -> None:
    async with _entra(stack, visitors()) as (entra, _):
        await entra.forget("sid")
        with pytest.raises(SignInRequiredError):
            await entra.token("sid", [stack.cloud.scope], force=False)


async def test_a_client_that_was_not_entered_says_so(stack: Stack) -> None:
    tls = client_ssl_context(stack.cloud.ca_file)
    entra = EntraClient(stack.web_settings(), InMemoryTokenCacheStore(), tls)
    with pytest.raises(RuntimeError, match="async with"):
        await entra.sign_out_origin()
