"""The first five minutes of somebody who has only the page: all is found by roles, names and visible words.

Once with a mouse, and once with the keyboard alone.
"""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Download, Locator, Page, expect
from tests.browser.person import soon
from tests.browser.stack import Stack

WEATHER = "What is the weather in Zurich?"
TIME = "What time is it in Tokyo?"
DICE = "Please generate a random number between 1 and 6"


@pytest.fixture
async def page(context: BrowserContext, stack: Stack) -> Page:
    """A browser that was sent to the chat for the first time."""
    page = await context.new_page()
    await page.set_viewport_size({"width": 1280, "height": 800})
    await page.goto(stack.url)
    return page


async def test_with_a_mouse(page: Page) -> None:
    await page.get_by_role("button", name="alice@contoso.example").click()
    await expect(page.get_by_role("heading", name="What would you like to do, Alice?")).to_be_visible()
    await page.get_by_role("button", name=WEATHER).click()
    await page.get_by_role("button", name="Approve", exact=True).click()
    forecast = page.get_by_role("img", name=re.compile("Forecast for Zurich"))
    await expect(forecast).to_be_visible()
    await expect(page.get_by_role("log").get_by_text("Now in Zurich, Switzerland")).to_be_visible()

    await _say(page, TIME)
    await page.get_by_role("button", name="Decline", exact=True).click()
    await expect(page.get_by_role("log").get_by_text("You declined")).to_be_visible()

    await _say(page, DICE)
    await page.get_by_role("button", name="Edit arguments").click()
    await page.get_by_label("min").fill("41")
    await page.get_by_label("max").fill("42")
    await expect(page.get_by_role("heading", name="What will be sent")).to_be_visible()
    await page.get_by_role("button", name="Approve with changes").click()
    await expect(page.get_by_role("log").get_by_text(re.compile(r"\b41\.$"))).to_be_visible()

    await _plan_a_trip(page)
    await page.get_by_role("button", name="Chat menu").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export as Markdown").click()
    await _holds(await download.value, WEATHER, TIME, DICE, "41", "Lisbon", "of Secure MCP server")


async def test_with_the_keyboard_alone(page: Page) -> None:
    keys = page.keyboard
    await reach(page.get_by_role("button", name="alice@contoso.example"))
    await keys.press("Enter")
    await expect(page.get_by_role("heading", name="What would you like to do, Alice?")).to_be_visible()
    await _type(page, WEATHER)
    await _go_to(page, "City weather")
    await keys.press("Alt+y")
    await expect(page.get_by_role("log").get_by_text("Now in Zurich, Switzerland")).to_be_visible()

    await _type(page, TIME)
    await _go_to(page, "Current date and time")
    await reach(page.get_by_role("button", name="with a reason"))
    await keys.press("Enter")
    await keys.type("I have a watch")
    await keys.press("Enter")
    await expect(page.get_by_role("log").get_by_text("You declined")).to_be_visible()

    await _change_a_call(page)
    await _answer_a_form(page)
    await reach(page.get_by_role("button", name="Chat menu"), "Shift+Tab")
    await keys.press("Enter")
    export = page.get_by_role("link", name="Export as Markdown")
    await reach(export)
    async with page.expect_download() as download:
        await keys.press("Enter")
    await _holds(await download.value, WEATHER, "I have a watch", "41", "Springfield")


async def _say(page: Page, text: str) -> None:
    await page.get_by_role("textbox", name="Message", exact=True).fill(text)
    await page.get_by_role("button", name="Send", exact=True).click()


async def _type(page: Page, text: str) -> None:
    """Write a message and send it, from wherever the focus is."""
    await reach(page.get_by_role("textbox", name="Message", exact=True))
    await page.keyboard.type(text)
    await page.keyboard.press("Enter")


async def _go_to(page: Page, words: str) -> None:
    """Go to what waits, by the key that the sheet of shortcuts names."""
    waiting = page.get_by_role("group").filter(has_text="Needs your").filter(has_text=words).last
    await expect(waiting).to_be_visible()
    await page.keyboard.press("Alt+j")
    await expect(waiting).to_be_focused()


async def reach(target: Locator, key: str = "Tab") -> None:
    """Press a key until the target has the focus."""
    await expect(target).to_be_visible()
    for _ in range(60):
        if await target.evaluate("(element) => element === document.activeElement"):
            return
        await target.page.keyboard.press(key)
    raise AssertionError(f"{target} is not reached by {key}")


async def _holds(download: Download, *wanted: str) -> None:
    text = await asyncio.to_thread(Path(await download.path()).read_text, "utf-8")
    assert [words for words in wanted if words not in text] == []


async def _plan_a_trip(page: Page) -> None:
    """Approve a call, and answer the form of its server."""
    await _say(page, "Plan a trip")
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_role("log").get_by_text("Secure MCP server asks")).to_be_visible()
    for label, value in {
        "Destination": "Lisbon",
        "First day": soon(),
        "Last day": soon(),
        "Travellers": "2",
    }.items():
        await page.get_by_label(label).fill(value)
    await page.get_by_role("checkbox", name="Food").check()
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_role("log").get_by_text("You answered Secure MCP server.")).to_be_visible()
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()


async def _change_a_call(page: Page) -> None:
    """Change the arguments of a call before approving it."""
    keys = page.keyboard
    await _type(page, DICE)
    await _go_to(page, "Random number")
    await reach(page.get_by_role("button", name="Edit arguments"))
    await keys.press("Enter")
    for label, number in (("min", "41"), ("max", "42")):
        await reach(page.get_by_label(label))
        await keys.press("Control+a")
        await keys.type(number)
    await reach(page.get_by_role("button", name="Approve with changes"))
    await keys.press("Enter")
    await expect(page.get_by_role("log").get_by_text(re.compile(r"\b41\.$"))).to_be_visible()


async def _answer_a_form(page: Page) -> None:
    """Approve a call, and say which place its server is to take."""
    keys = page.keyboard
    await _type(page, "What is the weather in Springfield?")
    await _go_to(page, "City weather")
    await keys.press("Alt+y")
    await expect(
        page.get_by_role("log").get_by_text("There are several places named Springfield.")
    ).to_be_visible()
    await _go_to(page, "Secure MCP server asks")
    place = page.get_by_role("combobox", name="Place")
    await reach(place)
    await keys.press("Enter")
    await keys.press("ArrowDown")
    await keys.press("Enter")
    await expect(place).not_to_have_value("")
    await reach(page.get_by_role("button", name="Send answer"))
    await keys.press("Enter")
    await expect(page.get_by_role("log").get_by_text("Now in Springfield, ")).to_be_visible()
