"""The browser that the tests drive: an installed Chromium or Chrome, or the one that Playwright brings."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.async_api import Browser, Error, Playwright

__all__ = ["NoBrowserError", "chromium_path", "launch"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = (
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
_OWN = """from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowserError(Exception):
    """No browser could be started; the message lists what was tried."""


async def launch(playwright: Playwright) -> tuple[Browser, str]:
    """Start the first browser that works, headless; return it and where it is.

    The environment variable CHROMIUM names one and rules the others out. Otherwise those on PATH are tried,
    then Playwright's own.

    Raises:
        NoBrowserError: none of them starts.
    """
    tried = []
    for path in _candidates():
        try:
            browser = await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        except Error as error:
            tried.append(f"{path or 'the browser of Playwright'}: {error.message.splitlines()[0]}")
        else:
            return browser, str(path or playwright.chromium.executable_path)
    raise NoBrowserError("; ".join(tried))


def chromium_path() -> Path:
    """Return the first browser that is installed, for a program of its own."""
    found = next(_candidates())
    if found is not None:
        return found
    told = subprocess.run([sys.executable, "-c", _OWN], check=True, capture_output=True, text=True)  # noqa: S603 - Python itself
    return Path(told.stdout.strip())


def _candidates() -> Iterator[Path | None]:
    """Yield paths; None stands for Playwright's own browser."""
    named = os.environ.get("CHROMIUM")
    if named:
        yield Path(named)
        return
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            yield Path(found)
    yield from (path for path in _APPLICATIONS if path.exists())
    yield None
