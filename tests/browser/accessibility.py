"""What axe finds in a page: WCAG 2.2 A and AA, and its best practice."""

from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.async_api import Page

__all__ = ["assert_accessible"]

_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_OPTIONS = {
    "runOnly": {"type": "tag", "values": _TAGS},
    "preload": False,  # it would fetch style sheets, which the policy of the page refuses
}


async def assert_accessible(page: Page) -> None:
    """Fail with what axe finds, element by element."""
    results = await Axe().run(page, options=_OPTIONS)
    found = results.response["violations"]
    lines = [
        f"{v['id']}: {node['html'][:160]} {node['failureSummary']}" for v in found for node in v["nodes"]
    ]
    assert not lines, "\n".join(lines)
