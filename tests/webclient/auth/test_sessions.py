"""A session's life: how long, how it ends, and what ends with it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.browser.playground import Playground
from tests.browser.stack import Service, Stack
from tests.oidc.tenant import MovableClock
from tests.support.eventually import eventually
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.guarded import Door, guarded_app
from tests.webclient.visitor import Visitor
from yarl import URL

IDLE, LIFETIME = 600.0, 3600.0


class Aging:
    """A web chat whose clock can be put forward, and the tenant's with it."""

    def __init__(self, stack: Stack, url: str, clock: MovableClock) -> None:
        self.url = url
        self._stack = stack
        self._clock = clock

    def age(self, seconds: float) -> None:
        self._clock.offset += seconds
        self._stack.cloud.tenant.faults.clock_skew += seconds


@pytest.fixture
async def aging(stack: Stack, serve_web: ServeWeb) -> AsyncIterator[Aging]:
    clock = MovableClock()
    limits: dict[str, Any] = {"session_idle": IDLE, "session_lifetime": LIFETIME}
    async with serve_web({"clock": clock.wall, "sweep_every": 0.02}, **limits) as url:
        yield Aging(stack, url, clock)


@pytest.fixture
async def door(stack: Stack) -> AsyncIterator[tuple[Door, str]]:
    """An MCP server that notes what comes, and its URL."""
    door, playground = Door(), Playground()
    service = Service(lambda: guarded_app(playground, door))
    await service.start()
    yield door, f"http://localhost:{service.port}/mcp"
    await service.stop()


async def _lives(visitor: Visitor) -> bool:
    return (await visitor.get("/api/session")).status == 200


async def test_an_unused_session_ends(aging: Aging, visitors: NewPerson) -> None:
    visitor = await visitors(url=aging.url).sign_in()
    aging.age(IDLE - 90)
    assert await _lives(visitor)
    aging.age(IDLE - 90)
    assert await _lives(visitor)
    aging.age(IDLE + 1)
    assert not await _lives(visitor)


async def test_a_session_that_is_used_all_the_time_ends_as_well(aging: Aging, visitors: NewPerson) -> None:
    visitor = await visitors(url=aging.url).sign_in()
    for _ in range(7):
        aging.age(LIFETIME / 7.1)
        assert await _lives(visitor)
    aging.age(LIFETIME / 7)
    assert not await _lives(visitor)


async def test_pages_are_told_that_their_session_is_over_and_the_conversation_waits(
    aging: Aging, visitors: NewPerson
) -> None:
    visitor = await visitors(url=aging.url).sign_in()
    chat = visitor.chat_id
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
        aging.age(IDLE + 1)
        ended = await stream.until("session.expired")
        assert (ended["reason"], ended["sign_in_url"]) == ("expired", "/signin")
        assert await stream.ends() == []
    refused = await visitor.command("messages", {"text": "more"})
    assert (refused.status, refused.error["code"]) == (401, "signed_out")
    assert refused.error["sign_in_url"] == "/signin"
    await visitor.sign_in(f"/signin?next=/chats/{chat}")
    assert visitor.chat_id == chat
    [said, _] = (await visitor.snapshot())["messages"]
    assert said["text"] == "hello"


async def test_a_session_that_ended_before_its_sign_in_was_renewed_ends_for_its_pages_too(
    aging: Aging, visitors: NewPerson
) -> None:
    visitor = await visitors(url=aging.url).sign_in()
    async with visitor.stream() as stream:
        aging.age(IDLE + 1)
        await visitor.sign_in()
        assert (await stream.until("session.expired"))["reason"] == "expired"
    assert await _lives(visitor)


async def test_a_session_says_when_it_ends(aging: Aging, visitors: NewPerson) -> None:
    aging.age(1000)
    visitor = await visitors(url=aging.url).sign_in()
    expires_at = (await visitor.get("/api/session")).body["expires_at"]
    now = (await visitor.snapshot())["server_now"]
    assert LIFETIME - 60 < expires_at - now <= LIFETIME


async def test_conversations_that_nobody_used_for_half_a_day_are_forgotten(
    aging: Aging, visitors: NewPerson
) -> None:
    visitor = await visitors(url=aging.url).sign_in()
    chat = visitor.chat_id
    aging.age(12 * 3600 + 1)
    await visitor.sign_in()

    async def forgotten() -> bool:
        return (await visitor.get(f"/chats/{chat}")).status == 404

    await eventually(forgotten)


async def test_signing_out_takes_a_post_of_our_own_page(visitor: Visitor) -> None:
    assert (await visitor.get("/signout")).status == 405
    origin = {"Origin": visitor.url}
    without = await visitor.request("POST", "/signout", data={}, headers=origin)
    wrong = await visitor.request("POST", "/signout", data={"csrf_token": "x"}, headers=origin)
    data = {"csrf_token": visitor.csrf}
    foreign = await visitor.request("POST", "/signout", data=data, headers={"Origin": "https://evil.example"})
    missing = await visitor.request("POST", "/signout", data=data)
    assert [a.status for a in (without, wrong, foreign, missing)] == [403, 403, 403, 403]
    assert await _lives(visitor)


async def test_signing_out_leads_by_the_tenant_to_a_page_that_says_so(visitor: Visitor, stack: Stack) -> None:
    answer = await visitor.sign_out()
    tenant = URL(answer.location)
    assert answer.status == 303
    assert answer.location.startswith(stack.cloud.http_url)
    assert tenant.query["post_logout_redirect_uri"] == f"{visitor.url}/signout-callback-oidc"
    assert tenant.query["logout_hint"] == visitor.user
    back = await visitor.get(answer.location)
    page = await visitor.get(back.location)
    assert page.status == 200
    assert "You are signed out" in page.body
    assert "mcpsecurity_session" not in visitor.cookies
    assert (await visitor.get("/")).location == "/signin"
    assert (await visitor.sign_out()).location == "/signin"


async def test_the_sign_out_forms_way_to_the_tenant_is_allowed_by_the_policy(
    visitor: Visitor, stack: Stack
) -> None:
    policy = (await visitor.get("/")).headers["Content-Security-Policy"]
    targets = policy.partition("form-action ")[2].split()
    assert targets[0] == "'self'"
    assert str(URL((await visitor.sign_out()).location).origin()) in targets


async def test_signing_out_ends_streams_runs_and_the_sessions_at_the_mcp_servers(
    visitors: NewPerson, stack: Stack, serve_web: ServeWeb, door: tuple[Door, str]
) -> None:
    noted, url = door
    async with serve_web(mcp_server_url=url, more_servers=()) as web_url:
        visitor = await visitors(url=web_url).sign_in()
        async with visitor.stream() as stream:
            await visitor.ask("Run a marathon")
            await stream.until("tool.proposed")
            assert not noted.deleted.is_set()
            await visitor.sign_out()
            events = [event async for event in _all(stream)]
        assert events[-1][0] == "session.expired"
        assert events[-1][1]["reason"] == "signed_out"
        async with asyncio.timeout(30):
            await noted.deleted.wait()
        stolen = visitors(url=web_url)
        assert (await stolen.get(f"/api/chats/{visitor.chat_id}/events")).status == 401


async def _all(stream: Any) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    for event in await stream.ends():
        yield event.name, event.data


async def test_another_session_of_the_same_person_goes_on(visitors: NewPerson) -> None:
    first = await visitors().sign_in()
    second = await visitors(user=first.user).sign_in()
    assert second.chat_id == first.chat_id, "one person has the same conversations in each browser"
    async with second.stream() as stream:
        await first.ask("hello")
        await stream.until("run.done")
        await first.sign_out()
        catalog = await second.get(f"/api/chats/{second.chat_id}/catalog")
        assert {s["status"] for s in catalog.body["servers"]} == {"ready"}
        assert catalog.body["prompts"] != []
        await second.ask("hello again")
        assert (await stream.until("run.done"))["status"] == "completed"


async def test_when_a_person_has_signed_out_everywhere_her_conversations_are_gone(
    visitors: NewPerson,
) -> None:
    visitor = await visitors().sign_in()
    chat = visitor.chat_id
    await visitor.sign_out()
    await visitor.sign_in()
    assert visitor.chat_id != chat
    assert (await visitor.get(f"/chats/{chat}")).status == 404


async def test_signing_in_again_keeps_conversation_streams_and_tokens(visitor: Visitor) -> None:
    chat = visitor.chat_id
    async with visitor.stream() as stream:
        await visitor.ask("hello")
        await stream.until("run.done")
        await visitor.sign_in(f"/signin?next=/chats/{chat}")
        assert visitor.chat_id == chat
        await visitor.ask("hello again")
        assert (await stream.until("run.done"))["status"] == "completed"
