"""A tenant that is down: the chat starts all the same, and says so to people who want to sign in."""

import asyncio

import pytest
from tests.browser.stack import Stack
from tests.webclient.conftest import NewPerson, ServeWeb

UNREACHABLE = "Entra ID cannot be reached at the moment. Please try again."


@pytest.mark.slow
async def test_a_chat_starts_while_the_tenant_is_down_and_works_when_it_is_back(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    stack.cloud.tenant.faults.down = True
    async with serve_web() as url:
        visitor = visitors(url=url)
        assert (await visitor.get("/health")).status == 200
        refused = await visitor.get("/signin")
        assert refused.status == 503
        assert UNREACHABLE in refused.body
        stack.cloud.tenant.faults.clear()
        async with asyncio.timeout(30):
            while (await visitor.get("/api/session")).status != 200:
                await visitor.get(await visitor.consent(await visitor.begin()))


async def test_a_tenant_that_does_not_exist_at_its_address_is_told_in_the_page(
    visitors: NewPerson, serve_web: ServeWeb
) -> None:
    async with serve_web(authority="https://localhost:9") as url:
        refused = await visitors(url=url).get("/signin")
        assert refused.status == 503
        assert UNREACHABLE in refused.body


async def test_a_tenant_that_goes_down_in_the_middle_of_a_sign_in_is_told_in_the_page(
    stack: Stack, visitors: NewPerson
) -> None:
    visitor = visitors()
    callback = await visitor.consent(await visitor.begin())
    stack.cloud.tenant.faults.down = True
    answer = await visitor.get(callback)
    assert answer.status == 503
    assert UNREACHABLE in answer.body
    stack.cloud.tenant.faults.clear()
    await visitor.sign_in()


async def test_keys_that_cannot_be_had_do_not_sign_anybody_in(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    stack.cloud.tenant.faults.metadata = {"jwks_uri": "https://localhost:9/keys"}
    async with serve_web() as url:
        visitor = visitors(url=url)
        answer = await visitor.get(await visitor.consent(await visitor.begin()))
        assert answer.status == 503
        assert UNREACHABLE in answer.body
        assert "mcpsecurity_session" not in visitor.cookies


async def test_somebody_who_signs_out_while_the_tenant_is_unknown_is_signed_out_here(
    stack: Stack, visitors: NewPerson, serve_web: ServeWeb
) -> None:
    stack.cloud.tenant.faults.metadata = {"end_session_endpoint": None}
    async with serve_web() as url:
        visitor = await visitors(url=url).sign_in()
        assert "form-action 'self'" in (await visitor.get("/")).headers["Content-Security-Policy"]
        assert (await visitor.sign_out()).location == f"{url}/signout-callback-oidc"
        assert (await visitor.get("/api/session")).status == 401
