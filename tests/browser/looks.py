"""Screenshots for the documentation, taken by the tests that show what is on them."""

import os
from pathlib import Path

from playwright.async_api import Page

__all__ = ["picture"]

IMAGES = Path(__file__).parents[2] / "docs" / "images"


async def picture(page: Page, name: str) -> None:
    """Keep a screenshot when the environment variable UPDATE_SCREENSHOTS asks for it."""
    if os.environ.get("UPDATE_SCREENSHOTS"):
        IMAGES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")
