"""Refused files, a step-up, and what expired are told in the person's language, without a word of English."""

import base64
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect
from tests.browser.english import left_in
from tests.browser.person import ALICE, Person
from tests.browser.playground import PICTURE
from tests.browser.stack import Stack
from tests.browser.watch import Watch
from tests.webclient import catalogs

REFUSED: list[FilePayload] = [
    {"name": "program", "mimeType": "application/octet-stream", "buffer": bytes(range(64))},
    {"name": "square.png", "mimeType": "image/png", "buffer": base64.b64decode(PICTURE)},
    {"name": "long.txt", "mimeType": "text/plain", "buffer": b"long " * 2_000_000},
]


@pytest.fixture(params=catalogs.TRANSLATED)
def language(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
async def page(browser: Browser, watch: Watch, language: str) -> AsyncIterator[Page]:
    """A tab of a browser in this language."""
    watch.observe(context := await browser.new_context(locale=language))
    yield await context.new_page()
    await context.close()


async def sign_in(page: Page, url: str) -> Person:
    person = Person(page, url)
    await page.goto(url)
    choice = page.get_by_role("button", name=ALICE).and_(page.locator(":not(#account)"))
    if await choice.count():
        await choice.click()
    await person.ready()
    return person


async def say(page: Page, text: str) -> None:
    await page.locator("#message").fill(text)
    await page.keyboard.press("Enter")


async def test_refused_files_and_a_step_up(page: Page, language: str, strict_chat: str) -> None:
    await sign_in(page, strict_chat)
    await page.locator("#file-input").set_input_files(REFUSED)
    await expect(page.locator("#files .wrong")).to_have_count(len(REFUSED))
    assert await left_in(page, language) == []
    for _ in REFUSED:
        await page.locator("#files button").first.click()
    await say(page, "a random number")
    await page.locator("[data-answer=approve]").click()
    await expect(page.locator(".card a[href]")).to_be_visible()
    assert await left_in(page, language) == []
    await page.close()


async def test_what_expired(page: Page, language: str, stack: Stack) -> None:
    await sign_in(page, stack.hasty_url)
    if not await page.locator("#empty").is_visible():  # another person was here
        await page.locator("#new-chat").click()
        await expect(page.locator("#empty")).to_be_visible()
    await say(page, "Please generate a random number between 2 and 5")
    await expect(page.locator(".card[data-status=proposed]")).to_be_visible()
    assert await left_in(page, language) == []
    await expect(page.locator(".card[data-status=expired]")).to_be_visible()
    await expect(page.locator("#stop")).to_be_hidden()
    assert await left_in(page, language) == []
    await page.locator("#mode").select_option("elicitation")
    await say(page, "Fill in a survey")
    await expect(page.locator(".request-outcome")).to_be_visible()
    await expect(page.locator("#stop")).to_be_hidden()
    assert await left_in(page, language) == []


async def test_the_hint_in_the_message_box_fits_on_a_phone(page: Page, stack: Stack) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    await sign_in(page, stack.url)
    await say(page, "hello")
    await expect(page.locator(".message.assistant .prose")).to_be_visible()
    await expect(page.locator("#stop")).to_be_hidden()
    wide, room = await page.locator("#message").evaluate(
        """(box) => {
          const [pen, style] = [document.createElement("canvas").getContext("2d"), getComputedStyle(box)];
          pen.font = `${style.fontSize} ${style.fontFamily}`;
          return [pen.measureText(box.placeholder).width, box.clientWidth - parseFloat(style.paddingLeft)];
        }"""
    )
    assert wide <= room


async def test_keys_have_the_names_that_are_printed_on_them(page: Page, language: str, stack: Stack) -> None:
    await sign_in(page, stack.url)
    hint = await page.locator("#hint").inner_text()
    await page.keyboard.press("Control+/")
    keys = await page.locator("#shortcuts kbd").all_inner_texts()
    assert [key for key in keys[:2] if key not in hint] == []
    shift = {"de": "Umschalt", "es": "Mayús", "fr": "Maj"}[language]
    assert any(shift in key and key.endswith("+O") for key in keys)
    await page.keyboard.press("Escape")
