"""Makes sure that the browser tests have a browser; `make browser` runs it before the tests.

An installed Chromium or Chrome is used. Without one, Playwright installs its own; where its download server
cannot be reached, apt-get installs Debian's, if we may. Otherwise this ends with what to install. No test is
skipped for want of a browser.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.async_api import async_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a script, which puts its own folder there

from tests.browser.chromium import NoBrowserError, launch

INSTALL_TIMEOUT = 600.0
"""Seconds that one way of installing may take."""

_HELP = """No browser for the browser tests: {error}
Install Chromium or Google Chrome so that it is on PATH (Debian: apt-get install chromium; Fedora:
dnf install chromium; macOS: brew install --cask chromium), or set CHROMIUM to its path, or run:
{python} -m playwright install chromium"""


def main() -> None:
    """Find or install a browser and print which; end with a message if there is none.

    A browser that CHROMIUM names is the only one that counts: then nothing is installed.
    """
    ways = (_nothing,) if os.environ.get("CHROMIUM") else (_nothing, _by_playwright, _by_apt)
    for install in ways:
        install()
        try:
            print(f"browser tests use {asyncio.run(_version())}")
            return
        except NoBrowserError as error:
            problem = error
    sys.exit(_HELP.format(error=problem, python=sys.executable))


async def _version() -> str:
    async with async_playwright() as playwright:
        browser, path = await launch(playwright)
        try:
            return f"{path} ({browser.version})"
        finally:
            await browser.close()


def _nothing() -> None:
    """Install nothing: what is there may do."""


def _by_playwright() -> None:
    print("no browser found; installing the one of Playwright", flush=True)
    with_system_libraries = ["--with-deps"] if _is_debian_root() else []
    _run([sys.executable, "-m", "playwright", "install", *with_system_libraries, "chromium"])


def _by_apt() -> None:
    if not _is_debian_root():
        return
    print("installing chromium by apt-get", flush=True)
    if _run(["apt-get", "update", "-qq"]):
        _run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])


def _is_debian_root() -> bool:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return is_root and shutil.which("apt-get") is not None


def _run(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(command, check=True, env=environment, timeout=INSTALL_TIMEOUT)  # noqa: S603 - fixed commands
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{command[0]} did not succeed: {error}", file=sys.stderr, flush=True)
        return False
    return True


if __name__ == "__main__":
    main()
