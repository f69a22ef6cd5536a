"""A person at the web chat, in a real browser, signs in at authorization servers that others wrote."""

from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect
from tests.browser.person import Person
from tests.browser.stack import Stack
from tests.browser.test_server_sign_in import chat_with_notes
from tests.browser.test_step_up import LEFT
from tests.browser.watch import Watch
from tests.foreign.authorization_servers import SDK, served

from mcpsecurity.testing import ScriptedModel, calls, says

pytestmark = [pytest.mark.timeout(300), pytest.mark.foreign]


async def answer(page: Page, button: str) -> None:
    """Press a button of the authorization server's page. The SDK's demo has no page: it agrees by itself."""
    await page.get_by_role("button", name=button).click()


@pytest.mark.parametrize(
    ("script", "buttons", "tool", "arguments", "result"),
    [
        ("toolkit.py", ("Cancel", "Authorize"), "whoami", {}, "alice"),
        ("authlib_server.py", ("deny", "allow"), "whoami", {}, "alice"),
        (SDK, (), "greet", {"name": "Ada"}, "Hello, Ada!"),
    ],
    ids=["django-oauth-toolkit", "Authlib", "the demo of the TypeScript SDK"],
)
async def test_a_person_declines_and_then_signs_in_and_calls_a_tool_twice(
    context: BrowserContext,
    stack: Stack,
    watch: Watch,
    tmp_path: Path,
    script: str,
    buttons: tuple[str, ...],
    tool: str,
    arguments: dict[str, str],
    result: str,
) -> None:
    watch.allow(LEFT)
    watch.allow(r"status of 400 .*/signin-server")
    watch.allow(r"status of 404 .*/(favicon.ico|oauth2_provider.css)\)")
    model = ScriptedModel(stack.model.script)
    async with served(script, tmp_path) as server, chat_with_notes(stack, server) as url:
        person = await Person(await context.new_page(), url).sign_in()
        page = person.page
        await page.get_by_text("Notes needs a sign-in").first.click()
        await page.get_by_role("link", name="Sign in for Notes").click()
        for button in buttons:
            await answer(page, button)
            if button == buttons[0]:
                await expect(page.get_by_role("alert")).to_contain_text("You did not sign in at")
                await page.get_by_role("link", name="Try again").click()
        await person.ready()
        for nth in range(2):
            model.will(calls(f"notes-{tool}", arguments), says("I see."))
            await person.ask("Use my notes.")
            await person.approve(tool, nth)
            await expect(person.call(tool, nth)).to_contain_text("Done")
            await person.finished()
            assert result in str(model.asked[-1].messages[-1])
        await page.close()
