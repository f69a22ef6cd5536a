"""What axe finds in a page: WCAG 2.2 A and AA, and its best practice."""

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.async_api import Page

__all__ = ["assert_accessible", "problems"]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OPTIONS = {
    "runOnly": {"type": "tag", "values": _TAGS},
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch style sheets, which the policy of the page refuses
}
_SETTLED = """() => {
  const ends = (animation) => animation.effect.getComputedTiming().endTime < Infinity;
  const ending = document.getAnimations().filter(ends).map((animation) => animation.finished);
  return Promise.allSettled(ending).then(() => null);
}"""
"""Ends when what fades or moves has done so: axe would measure a colour on its way."""


async def assert_accessible(page: Page) -> None:
    """Fail with what axe finds, element by element."""
    found = await problems(page)
    assert not found, "\n".join(found)


async def problems(page: Page) -> list[str]:
    """Return what axe finds, a line for each element."""
    there = await page.evaluate("'axe' in window")
    axe = Axe(axe_script="0") if there else Axe()
    await page.evaluate(_SETTLED)
    results = await axe.run(page, options=_OPTIONS)
    found = results.response["violations"]
    return [f"{v['id']}: {node['html'][:160]} {node['failureSummary']}" for v in found for node in v["nodes"]]
