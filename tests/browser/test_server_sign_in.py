"""Signing in for an MCP server with an authorization server of its own, by the page's link."""

from playwright.async_api import BrowserContext, expect
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
    async with protected(denies=True) as server:
        entry = {"name": "notes", "title": "Notes", "url": server.url, "sign_in": "oauth"}
        notes = McpServerSettings.model_validate(entry)
        web = Service(lambda: create_app(stack.web_settings(url=url, more_servers=(notes,))))
        url = f"http://localhost:{web.port}"
        stack.cloud.register_webclient_url(url)
        await web.start()
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
        await web.stop()
