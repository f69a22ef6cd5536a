"""The sizes, themes and enlargements that the page is looked at in, and screenshots for the documentation."""

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Locator, Page, expect
from tests.browser.accessibility import problems

__all__ = [
    "LOOKS",
    "Look",
    "assert_no_sideways_scrolling",
    "check_in_every_look",
    "picture",
    "shown_pictures",
]

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"

_WIDE = """() => {
  const page = document.documentElement, conversation = document.querySelector("#conversation");
  if (page.scrollWidth <= innerWidth && conversation.scrollWidth <= conversation.clientWidth) return [];
  const beyond = (e) => e.getBoundingClientRect().right > innerWidth;
  const found = [...document.body.querySelectorAll("*")].filter(beyond);
  return ["scrolls sideways", ...found.map((e) => e.outerHTML.slice(0, 160))];
}"""


@dataclass(frozen=True)
class Look:
    """A size in CSS pixels (half of 1280x800 is 200 %, a quarter 400 %), a theme, the system's colours."""

    width: int
    height: int
    scheme: Literal["light", "dark"]
    forced: Literal["active", "none"] = "none"

    async def put_on(self, page: Page) -> None:
        await page.set_viewport_size({"width": self.width, "height": self.height})
        await page.emulate_media(color_scheme=self.scheme, forced_colors=self.forced)


LOOKS = (
    Look(1280, 800, "light"),
    Look(1280, 800, "dark"),
    Look(1280, 800, "light", forced="active"),
    Look(768, 1024, "dark"),
    Look(360, 640, "light"),
    Look(640, 400, "dark"),
    Look(320, 200, "light"),
)


async def check_in_every_look(shown: Locator) -> None:
    """Fail with all that axe finds in the page, and where it scrolls sideways, while it shows this."""
    page, found = shown.page, []
    for look in LOOKS:
        await look.put_on(page)
        await expect(shown).to_be_attached()
        found += [f"{look}: {problem}" for problem in await problems(page)]
        await assert_no_sideways_scrolling(page)
    assert not found, "\n".join(found)
    await LOOKS[0].put_on(page)


async def assert_no_sideways_scrolling(page: Page) -> None:
    """Fail if the page or its conversation is wider than the screen; name what reaches beyond it."""
    found = await page.evaluate(_WIDE)
    assert not found, "\n".join([str(page.viewport_size), *found])


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot that a page of the documentation shows, if the environment variable
    UPDATE_SCREENSHOTS asks for it."""
    if os.environ.get("UPDATE_SCREENSHOTS") and name in shown_pictures():
        IMAGES.mkdir(parents=True, exist_ok=True)
        await asyncio.sleep(1)  # the list of chats follows a moment later
        await page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")


def shown_pictures() -> set[str]:
    """Return the names of the pictures that README and docs show."""
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    return {name for page in pages for name in re.findall(r"images/([\w-]+)\.png", page.read_text("utf-8"))}
