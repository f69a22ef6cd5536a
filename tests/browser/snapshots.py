"""Compares what a page looks like with a picture that was kept, in a browser: it can decode and draw both.

Pictures are kept at half their size, compressed. They are compared only where a probe of fonts and native
controls looks as it did when they were made: another machine draws other letters.
"""

import asyncio
import os
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from playwright.async_api import Page

__all__ = ["Album"]

FOLDER = Path(__file__).parent / "snapshots"
TOLERATED = 0.003
"""The share of points that may differ: of half a picture of 1280 by 800, a word or two."""
_TRIES, _PAUSE = 60, 0.25
"""How often a page is looked at until it shows what it should, and the seconds between."""

_PROBE = """<body style="margin: 0; width: 600px; background: white">
<p style="font: 17px system-ui">What would you like to do? 0123456789</p>
<p style="font: 600 13px system-ui">Ask me before each tool</p>
<p style="font: 15px ui-monospace, 'Liberation Mono', monospace">get_random_number</p>
<input type="date"><input type="datetime-local"><input type="checkbox" checked>"""

# What a run decides by chance, or the clock.
_STEADY = """time, .time, .card-state, .usage, .group-time, #window, .messages:has(.call-group) .prose
{ visibility: hidden !important; }"""

# The page's policy refuses the style element that a screenshot could bring.
_WEAR = """(style) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [sheet];
}"""

_SMALL = """async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.width >> 1, image.height >> 1];
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", 0.7).split(",")[1];
}"""

# A point differs where the mean of its channels does by more than a lossy picture's noise.
_DIFFERENCE = """async (pictures) => {
  const drawn = await Promise.all(pictures.map(async (picture) => {
    const image = new Image();
    image.src = `data:image/webp;base64,${picture}`;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  }));
  const [now, kept] = drawn.map(({ data }) => data);
  if (now.length !== kept.length) return 1;
  let different = 0;
  for (let at = 0; at < now.length; at += 4) {
    const [red, green, blue] = [0, 1, 2].map((channel) => Math.abs(now[at + channel] - kept[at + channel]));
    if (red + green + blue > 90) different += 1;
  }
  return different / (now.length / 4);
}"""


class Album:
    """The kept pictures. With the environment variable UPDATE_SCREENSHOTS they are taken again.

    `desk` is an empty page of the browser in which pictures are compared.
    """

    def __init__(self, desk: Page) -> None:
        self._desk = desk
        self._update = bool(os.environ.get("UPDATE_SCREENSHOTS"))
        self._different: list[str] = []

    async def skip_elsewhere(self) -> None:
        """Skip the test where letters and native controls are drawn in another way than in the pictures."""
        await self._desk.set_content(_PROBE)
        if self._update:
            await self._keep("probe", self._desk)
        if await self._difference("probe", self._desk) > 0:
            browser = self._desk.context.browser
            version = browser.version if browser else "unknown"
            pytest.skip(
                f"the pictures were made with other fonts or controls than those of Chromium {version} here;"
                " UPDATE_SCREENSHOTS=1 makes new ones"
            )

    async def compare(self, name: str, page: Page) -> None:
        """Compare what the page looks like with the picture of this name, for a while until it does."""
        if self._update:
            await self._keep(name, page)
        for _ in range(_TRIES):
            difference = await self._difference(name, page)
            if difference <= TOLERATED:
                return
            await asyncio.sleep(_PAUSE)
        self._different.append(f"{name}: {difference:.2%} of the picture differs")

    def check(self) -> None:
        """Fail if a picture differed."""
        assert not self._different, "\n".join(self._different)

    async def _keep(self, name: str, page: Page) -> None:
        await asyncio.sleep(1)  # lists of chats and tools come a moment later
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.webp").write_bytes(b64decode(await self._shot(page)))

    async def _difference(self, name: str, page: Page) -> float:
        kept = b64encode((FOLDER / f"{name}.webp").read_bytes()).decode()
        found: float = await self._desk.evaluate(_DIFFERENCE, [await self._shot(page), kept])
        return found

    async def _shot(self, page: Page) -> str:
        await page.evaluate(_WEAR, _STEADY)
        shot = await page.screenshot(animations="disabled", caret="hide")
        await page.evaluate(_WEAR, "")
        small: str = await self._desk.evaluate(_SMALL, b64encode(shot).decode())
        return small
