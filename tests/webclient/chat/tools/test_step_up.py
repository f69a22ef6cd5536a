"""Step-up: a call whose token lacks something waits for a sign-in, and goes on where it stood."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import aiohttp
import pytest
from tests.browser.stack import Service, Stack
from tests.support.eventually import eventually
from tests.webclient.conftest import NewPerson, ServeWeb
from tests.webclient.events import EventStream
from tests.webclient.visitor import Visitor
from yarl import URL

from mcpsecurity.localcloud.entra.ids import API_CLIENT_ID, WEB_CLIENT_ID
from mcpsecurity_server.app import create_app
from mcpsecurity_server.settings import ServerSettings

MORE = "random:read"


@asynccontextmanager
async def _chat(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb, **needs: Any
) -> AsyncIterator[tuple[Visitor, EventStream]]:
    """A chat in Elicitation mode, whose server is `needs` about its tools."""
    cloud = stack.cloud
    settings: dict[str, Any] = {"authority": cloud.authority, "tenant_id": cloud.tenant_id}
    settings |= {"ca_file": cloud.ca_file, "client_id": cloud.api_client_id, "approval": "never", **needs}
    server = Service(lambda: create_app(ServerSettings(url=url, **settings)))
    url = f"http://localhost:{server.port}/mcp"
    await server.start()
    try:
        await eventually(partial(_is_ready, url))
        async with serve_web(mcp_server_url=url, more_servers=()) as web_url:
            visitor = await visitors(url=web_url).sign_in()
            await visitor.command("mode", {"mode": "elicitation"})
            async with visitor.stream() as stream:
                yield visitor, stream
    finally:
        await server.stop()


async def _is_ready(url: str) -> bool:
    """Tell whether a server has the tenant's keys."""
    async with aiohttp.request("GET", URL(url).with_path("/ready")) as response:
        return response.status == 200


@pytest.fixture
def personal_scope(stack: Stack) -> None:
    """The API has one more permission, which each person gives for herself."""
    stack.cloud.tenant.directory.publish_scope(MORE, "Read random numbers as you", personal=True)


def _give_consent(stack: Stack, visitor: Visitor, scope: str = MORE) -> None:
    """Accept on the consent page, in short."""
    user = stack.cloud.tenant.directory.user(visitor.user)
    assert user is not None
    stack.cloud.tenant.consents.given.add((user.oid, WEB_CLIENT_ID, API_CLIENT_ID, scope))


async def _needed(stream: EventStream) -> dict[str, Any]:
    needed: dict[str, Any] = (await stream.until("tool.sign_in_needed"))["sign_in"]
    return needed


@pytest.mark.usefixtures("personal_scope")
async def test_a_call_that_lacks_a_permission_waits_for_consent_to_all_scopes_and_goes_on(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with _chat(stack, visitors, serve_web, tool_scopes={"get_random_number": MORE}) as (
        visitor,
        stream,
    ):
        run = await visitor.ask("a random number")
        needed = await _needed(stream)
        assert needed["kind"] == "scope"
        asked = URL(needed["url"]).query
        assert asked["scope"].split() == [stack.cloud.scope, f"api://{API_CLIENT_ID}/{MORE}"]
        assert asked["next"] == f"/chats/{visitor.chat_id}"
        snapshot = await visitor.snapshot()
        assert (snapshot["calls"][0]["status"], snapshot["calls"][0]["sign_in"]) == ("running", needed)

        authorize = await visitor.begin(needed["url"])
        assert f"api://{API_CLIENT_ID}/{MORE}" in URL(authorize).query["scope"].split()
        _give_consent(stack, visitor)
        answer = await visitor.get(await visitor.consent(authorize))
        assert answer.location == f"/chats/{visitor.chat_id}"
        await visitor.open(answer.location)
        async with visitor.stream() as page:
            await page.until("snapshot")
            done = await stream.until("tool.done")
        assert done["status"] == "done", done
        assert (await stream.until("run.done"))["run_id"] == run
        assert "sign_in" not in (await visitor.snapshot())["calls"][0]


@pytest.mark.usefixtures("personal_scope")
async def test_who_has_consented_before_is_asked_nothing(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with _chat(stack, visitors, serve_web, tool_scopes={"get_random_number": MORE}) as (
        visitor,
        stream,
    ):
        _give_consent(stack, visitor)
        await visitor.ask("a random number")
        assert (await stream.until("tool.done"))["status"] == "done"
        assert "tool.sign_in_needed" not in {event.name for event in stream.events}


@pytest.mark.usefixtures("personal_scope")
async def test_a_sign_in_without_the_consent_is_asked_for_once_more_and_then_the_call_fails(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with _chat(stack, visitors, serve_web, tool_scopes={"get_random_number": MORE}) as (
        visitor,
        stream,
    ):
        await visitor.ask("a random number")
        for _ in range(2):
            await _needed(stream)
            await visitor.sign_in(f"/signin?next=/chats/{visitor.chat_id}")
            await visitor.snapshot()
        done = await stream.until("tool.done")
        assert done["status"] == "failed"
        assert MORE in done["content"][0]["text"]
        assert (await stream.until("run.done"))["status"] == "completed"


async def test_a_claims_challenge_leads_to_a_sign_in_that_satisfies_it_and_the_call_goes_on(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with _chat(stack, visitors, serve_web, tool_acrs={"get_random_number": "c1"}) as (visitor, stream):
        await visitor.ask("a random number")
        needed = await _needed(stream)
        assert needed["kind"] == "claims"
        authorize = await visitor.begin(needed["url"])
        assert '"c1"' in URL(authorize).query["claims"]
        assert '"CP1"' in URL(authorize).query["claims"], "the client says that it takes challenges"
        await visitor.get(await visitor.consent(authorize))
        await visitor.snapshot()
        assert (await stream.until("tool.done"))["status"] == "done"
        await stream.until("run.done")
        await visitor.ask("a random number")
        assert (await stream.until("tool.done"))["status"] == "done", "the new token is used from now on"


@pytest.mark.usefixtures("personal_scope")
async def test_a_waiting_call_can_be_stopped(stack: Stack, visitors: NewPerson, serve_web: ServeWeb) -> None:
    async with _chat(stack, visitors, serve_web, tool_scopes={"get_random_number": MORE}) as (
        visitor,
        stream,
    ):
        run = await visitor.ask("a random number")
        await _needed(stream)
        await visitor.command(f"runs/{run}/stop")
        async with asyncio.timeout(30):
            assert (await stream.until("tool.done"))["status"] == "cancelled"


@pytest.mark.parametrize(
    "scope",
    ["https://graph.microsoft.com/Mail.Read", "Mail.Read", "api://another/all", "openid offline_access"],
)
async def test_the_address_of_a_sign_in_names_no_scope_of_another_api(
    stack: Stack, visitors: NewPerson, scope: str
) -> None:
    authorize = URL(await visitors().begin(str(URL("/signin").with_query(scope=scope))))
    asked = set(authorize.query["scope"].split()) - {"openid", "profile", "offline_access"}
    assert asked == {stack.cloud.scope}
