"""A German person meets no English sentence of ours, even in errors."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from tests.browser.english import left_in
from tests.browser.person import ALICE, Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch

DICE = "Please generate a random number between 2 and 5"


@pytest.fixture
async def anna(browser: Browser, watch: Watch, stack: Stack) -> AsyncIterator[Person]:
    """Alice with a German browser."""
    watch.observe(context := await browser.new_context(locale="de-DE"))
    person = Person(await context.new_page(), stack.url)
    await person.page.goto(stack.url)
    await person.page.get_by_role("button", name=ALICE).click()
    await person.ready()
    await person.page.get_by_role("button", name="Neuer Chat").click()
    await person.ready()
    yield person
    await context.close()


async def test_a_german_person_meets_no_english_sentence(anna: Person, stack: Stack) -> None:
    page = anna.page
    assert await left_in(page, "de") == []
    await page.locator("#account").click()
    await expect(page.locator("#account-grants-none")).to_be_visible()
    assert await left_in(page, "de") == []
    await page.keyboard.press("Escape")
    await page.locator("#message").fill(DICE)
    await page.keyboard.press("Enter")
    card = page.locator(".card[data-status=proposed]")
    await card.get_by_role("button", name="Argumente bearbeiten").click()
    assert await left_in(page, "de") == []
    await stack.mcp.stop()
    try:
        await card.locator("[data-answer=approve]").click()
        failed = page.locator(".card[data-status=failed]")
        await expect(failed).to_contain_text("antwortet nicht")
        await page.locator("#servers").click()
        await page.locator("#servers-menu details summary").first.click()
        await expect(page.locator("#servers-menu")).to_contain_text("antwortet nicht")
        assert await left_in(page, "de") == []
    finally:
        await stack.mcp.start()
