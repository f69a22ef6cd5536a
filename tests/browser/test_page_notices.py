"""Notices at the edge of the page: one that goes by itself moves none of the others."""

import pytest
from playwright.async_api import Page, expect

SHOW = """
async () => {
  const { Toasts } = await import("/static/js/shell/toasts.js");
  document.body.innerHTML = "<ul class=toasts id=toasts aria-label=Notices></ul>";
  window.later = [];
  window.setTimeout = (act) => window.later.push(act);
  window.toasts = new Toasts();
}
"""


@pytest.fixture
async def page(modules: Page) -> Page:
    """A page for notices, whose time is up when `later` is called."""
    await modules.evaluate(SHOW)
    for sheet in ("base", "shell"):
        await modules.add_style_tag(url=f"/static/css/{sheet}.css")
    return modules


async def show(page: Page, level: str, *messages: str) -> None:
    for message in messages:
        await page.evaluate("(toast) => { toasts.show(toast); }", {"level": level, "message": message})


async def test_a_notice_that_goes_by_itself_leaves_the_next_one_where_it_is(page: Page) -> None:
    await show(page, "info", "It was done.", "It was done, too.")
    await show(page, "error", "It failed.")
    failed = page.get_by_role("listitem").filter(has_text="It failed.")
    before = await failed.bounding_box()
    await page.evaluate("later.forEach((act) => act())")
    await expect(page.get_by_role("listitem")).to_have_text(["It failed.Dismiss"])
    assert await failed.bounding_box() == before
    await failed.get_by_role("button", name="Dismiss").click()
    await expect(page.locator("#toasts")).to_be_empty()
    await show(page, "info", "All is well.")
    await page.evaluate("later.at(-1)()")
    await expect(page.locator("#toasts")).to_be_empty()


async def test_a_notice_that_says_the_same_takes_the_place_of_the_earlier_one(page: Page) -> None:
    await show(page, "error", "One.", "Two.", "One.")
    await expect(page.get_by_role("listitem").locator("p")).to_have_text(["One.", "Two."])
