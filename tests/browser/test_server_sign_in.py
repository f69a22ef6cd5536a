"""Signing in for an MCP server with an authorization server of its own, by the page's link."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import BrowserContext, expect
from tests.browser.looks import check_in_every_look
from tests.browser.person import Person
from tests.browser.stack import Service, Stack
from tests.browser.test_step_up import LEFT
from tests.browser.watch import Watch
from tests.support.oauth import protected

from mcpsecurity_webclient.app import create_app
from mcpsecurity_webclient.settings import McpServerSettings


async def test_a_person_declines_then_signs_in_uses_the_tool_and_signs_out(
    context: BrowserContext, stack: Stack, watch: Watch
) -> None:
    watch.allow(LEFT)
    watch.allow(r"status of 400 .*/signin-server")
    async with protected(denies=True) as server, chat_with_notes(stack, server.url) as url:
        person = await Person(await context.new_page(), url).sign_in()
        page = person.page
        await page.get_by_text("Notes needs a sign-in").first.click()
        await page.get_by_role("link", name="Sign in for Notes").click()
        await expect(page.get_by_role("alert")).to_contain_text("You did not sign in at")
        server.tokens.denies = False
        await page.get_by_role("link", name="Try again").click()
        await person.ready()
        await person.ask("Please call the tool whoami of my notes: say who is signed in")
        await person.approve("whoami")
        await expect(person.call("whoami")).to_contain_text("Done")
        await person.finished()
        assert len(server.tokens.refresh) == 1
        await person.sign_out()
        await expect(page.get_by_role("button", name="Account")).to_be_hidden()
        assert server.tokens.refresh == {}
        await page.close()


@asynccontextmanager
async def chat_with_notes(stack: Stack, server_url: str) -> AsyncIterator[str]:
    """Serve a chat that has people sign in for a server."""
    entry = {"name": "notes", "title": "Notes", "url": server_url, "sign_in": "oauth"}
    notes = McpServerSettings.model_validate(entry)
    web = Service(lambda: create_app(stack.web_settings(url=url, more_servers=(notes,))))
    url = f"http://localhost:{web.port}"
    stack.cloud.register_webclient_url(url)
    await web.start()
    try:
        yield url
    finally:
        await web.stop()


async def signed_in_for_notes(context: BrowserContext, url: str) -> Person:
    """Sign a person in to a chat, and from there for the server."""
    person = await Person(await context.new_page(), url).sign_in()
    await person.page.get_by_text("Notes needs a sign-in").first.click()
    await person.page.get_by_role("link", name="Sign in for Notes").click()
    await person.ready()
    return person


async def test_a_person_signs_out_of_one_server_by_the_keyboard_and_every_tab_shows_it(
    context: BrowserContext, stack: Stack, watch: Watch
) -> None:
    watch.allow(LEFT)
    async with protected() as server, chat_with_notes(stack, server.url) as url:
        person = await signed_in_for_notes(context, url)
        page = person.page
        other = Person(await context.new_page(), url)
        await other.page.goto(url)
        await other.ready()
        await other.page.locator("#servers").click()
        await expect(other.page.get_by_role("button", name="Sign out of Notes")).to_be_visible()

        await page.locator("#servers").press("Enter")
        leave = page.get_by_role("button", name="Sign out of Notes")
        await check_in_every_look(leave)
        await leave.focus()
        await page.keyboard.press("Enter")
        await expect(leave).to_have_count(0)
        await expect(page.locator("#announcer")).to_have_text("You are signed out of Notes.")
        await expect(page.get_by_role("link", name="Sign in for Notes")).to_be_focused()
        assert server.tokens.refresh == {}
        await expect(other.page.get_by_role("link", name="Sign in for Notes")).to_be_visible()
        await expect(other.page.get_by_text("Notes needs a sign-in").first).to_be_visible()

        await page.keyboard.press("Enter")
        await person.ready()
        await page.locator("#servers").click()
        await expect(page.get_by_role("button", name="Sign out of Notes")).to_be_visible()
        await other.page.close()
        await page.close()


async def test_a_sign_out_of_a_server_that_cannot_be_carried_out_is_said(
    context: BrowserContext, stack: Stack, watch: Watch
) -> None:
    watch.allow(LEFT)
    watch.allow("status of 503 .*sign-out")
    async with protected() as server, chat_with_notes(stack, server.url) as url:
        person = await signed_in_for_notes(context, url)
        page = person.page
        said = {"error": {"code": "not_shared", "message": "Not now.", "retryable": True}}
        await page.route("**/sign-out", lambda route: route.fulfill(status=503, json=said))
        await page.locator("#servers").click()
        await page.get_by_role("button", name="Sign out of Notes").click()
        await expect(person.notices).to_contain_text("Not now.")
        await expect(page.get_by_role("button", name="Sign out of Notes")).to_be_visible()
        await page.close()
