"""A German person meets no English sentence of ours, whatever goes wrong."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from tests.browser.person import ALICE, Person
from tests.browser.stack import Stack
from tests.browser.watch import Watch
from tests.webclient import catalogs

PLACE = re.compile(r"\{\w+\}|%\(\w+\)s")
DICE = "Please generate a random number between 2 and 5"
TEXTS = """
() => {
  // what servers call their tools is theirs
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const { parentElement: parent, textContent: text } = walker.currentNode;
    const isOurs = parent.checkVisibility() && !parent.closest("script, pre, code, .offer .chip, .tools");
    if (isOurs) found.push(text.trim());
  }
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]"))
    for (const name of ["aria-label", "title", "placeholder"]) found.push(element.getAttribute(name) ?? "");
  return found.filter((text) => /[a-z]{3}/.test(text));
}
"""


def _english() -> re.Pattern[str]:
    """Return what matches the English of every text that German says otherwise."""
    texts = []
    for message in catalogs.read("de"):
        forms = [message.id] if isinstance(message.id, str) else list(message.id)
        said = message.string if isinstance(message.string, str) else (message.string or ("",))[0]
        parts = [PLACE.split(form) for form in forms]
        if message.id and said != forms[0] and len("".join(parts[0])) >= 8:
            texts += [".+".join(map(re.escape, part)) for part in parts]
    return re.compile("|".join(texts))


ENGLISH = _english()


async def in_english(person: Person) -> list[str]:
    """Return the texts of the page that are English sentences of ours."""
    return [text for text in await person.page.evaluate(TEXTS) if ENGLISH.fullmatch(text)]


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
    assert await in_english(anna) == []
    await page.locator("#account").click()
    await expect(page.locator("#account-grants-none")).to_be_visible()
    assert await in_english(anna) == []
    await page.keyboard.press("Escape")
    await page.locator("#message").fill(DICE)
    await page.keyboard.press("Enter")
    card = page.locator(".card[data-status=proposed]")
    await card.get_by_role("button", name="Argumente bearbeiten").click()
    assert await in_english(anna) == []
    await stack.mcp.stop()
    try:
        await card.locator("[data-answer=approve]").click()
        failed = page.locator(".card[data-status=failed]")
        await expect(failed).to_contain_text("antwortet nicht")
        await page.locator("#servers").click()
        await page.locator("#servers-menu details summary").first.click()
        await expect(page.locator("#servers-menu")).to_contain_text("antwortet nicht")
        assert await in_english(anna) == []
    finally:
        await stack.mcp.start()
