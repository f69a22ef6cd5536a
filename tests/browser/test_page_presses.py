"""A double tap is one decision, whatever comes under the finger after the first tap."""

from typing import Any

import pytest
from playwright.async_api import Page

SHOW = """
async (moment) => {
  const { settleAfterPresses } = await import("/static/js/requests/presses.js");
  document.head.innerHTML = '<link rel="stylesheet" href="/static/css/cards.css">';
  await new Promise((loaded) => { document.head.firstChild.onload = loaded; });
  document.body.innerHTML = `<main><p><button>copy</button></p>
    <div class="decide"><button>first</button></div></main>`;
  const area = document.querySelector("main");
  window.pressed = [];
  settleAfterPresses(area, moment ?? undefined);
  area.addEventListener("click", ({ target }) => {
    if (target.matches("button")) window.pressed.push(target.textContent);
    if (target.textContent === "first") target.outerHTML = "<button>second</button>";
  });
}
"""


LONG_MS = 60_000
"""The moment after a press in tests of taps: on a slow machine, half a second is over before the next tap."""


@pytest.fixture
async def page(modules: Page) -> Page:
    """A page where a second request takes the place of the first one."""
    await modules.evaluate(SHOW, LONG_MS)
    return modules


async def tap(page: Page, name: str, times: int = 1) -> None:
    """Press the middle of a button with the mouse, and whatever is there then."""
    box = await page.get_by_role("button", name=name).bounding_box()
    assert box is not None
    for _ in range(times):
        await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


async def pressed(page: Page) -> Any:
    return await page.evaluate("pressed")


async def test_further_taps_at_one_place_do_not_decide_the_next_request(page: Page) -> None:
    await tap(page, "first", times=3)
    assert await pressed(page) == ["first"]


async def test_a_request_that_comes_under_the_finger_at_any_other_press_is_not_decided(page: Page) -> None:
    await tap(page, "copy", times=2)
    await tap(page, "first")
    assert await pressed(page) == ["copy", "copy"]


async def test_the_next_request_is_decided_after_a_moment(modules: Page) -> None:
    await modules.evaluate(SHOW)
    await modules.get_by_role("button", name="first").click()
    await modules.get_by_role("button", name="second").click()  # once it takes the pointer
    assert await pressed(modules) == ["first", "second"]


async def test_keys_decide_as_fast_as_they_are_pressed(page: Page) -> None:
    await tap(page, "first")
    await page.get_by_role("button", name="second").press("Enter")
    assert await pressed(page) == ["first", "second"]
