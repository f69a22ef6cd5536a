"""The page: which model answers is chosen, and how much of its window a conversation takes is seen."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import BrowserContext, expect
from tests.browser.person import Person
from tests.browser.stack import Service, Stack
from tests.browser.watch import Watch

from mcpsecurity_webclient.app import create_app

LONG = "Ships and harbours, and again ships and harbours, and then ships. " * 85


@pytest.fixture
async def models_url(stack: Stack) -> AsyncIterator[str]:
    """A chat with two models; the second has a small context window."""
    common = {"endpoint": stack.cloud.openai_endpoint, "key": stack.cloud.openai_api_key}
    models = [
        {"name": "offline-model", "title": "Everyday", **common},
        {"name": "small", "title": "Small", "model": "offline-vision", "context_window": 14_000, **common},
    ]
    service = Service(lambda: create_app(stack.web_settings(url=url, listed_models=models)))
    url = f"http://localhost:{service.port}"
    stack.cloud.register_webclient_url(url)
    await service.start()
    yield url
    await service.stop()


async def test_a_model_is_chosen_in_the_page_and_kept_for_the_conversation(
    models_url: str, context: BrowserContext
) -> None:
    person = await Person(await context.new_page(), models_url).sign_in()
    page = person.page
    choice = page.get_by_label("Model", exact=True)
    await expect(choice).to_have_value("offline-model")
    await person.ask("Hello!")
    await person.finished()
    await expect(page.locator(".message.assistant").last).to_contain_text("offline-model ·")
    await choice.select_option("small")
    await person.ask("Hello again!")
    await person.finished()
    await expect(page.locator(".message.assistant").last).to_contain_text("offline-vision ·")
    await choice.evaluate("(e) => { e.firstElementChild.dataset.drawn = 'before'; }")
    await page.evaluate("dispatchEvent(new Event('online'))")  # the chat is loaded again
    await expect(choice.locator("[data-drawn]")).to_have_count(0)
    await expect(choice).to_have_value("small")
    await page.reload()
    await expect(choice).to_have_value("small")
    await expect(page.locator(".message.assistant").first).to_contain_text("offline-model ·")


async def test_the_page_shows_how_full_the_window_is_and_the_models_note(
    models_url: str, context: BrowserContext, watch: Watch
) -> None:
    watch.allow("net::ERR_FAILED")
    page = await context.new_page()
    await page.route("**/windowpanel.js", lambda route: route.abort())
    person = await Person(page, models_url).sign_in()
    await person.begin_another()
    await page.get_by_label("Model", exact=True).select_option("small")
    window = page.get_by_role("button", name="Context")
    for number in range(8):
        await person.ask(f"Part {number} of it. {LONG}")
        await person.finished()
    await expect(window).to_be_visible()
    await window.click()
    panel = page.get_by_role("dialog", name="What the model is sent")
    await expect(panel).to_contain_text("could not be loaded")
    await page.unroute("**/windowpanel.js")
    await panel.get_by_role("button", name="Try again").click()
    await expect(panel).to_contain_text("of the 14k tokens")
    await panel.get_by_text("A note instead of the first").click()
    await expect(panel).to_contain_text("Asked: Part 0 of it.")


async def test_with_one_model_there_is_nothing_to_choose(alice: Person) -> None:
    await expect(alice.page.locator("#message")).to_be_visible()
    await expect(alice.page.get_by_label("Model", exact=True)).to_be_hidden()
