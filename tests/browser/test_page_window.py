"""How much of its window a model was sent: a share where the window is known, the tokens alone where not."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

SHOW = """
async (context) => {
  document.body.innerHTML = `<button id="window" hidden><span class="window-bar">[bar]</span>
    <span id="window-words"></span></button><div id="window-panel" popover></div>`;
  const { ContextWindow } = await import("/static/js/shell/window.js");
  const { panelParts } = await import("/static/js/shell/windowpanel.js");
  document.head.innerHTML = '<link rel="stylesheet" href="/static/css/base.css">';
  await new Promise((loaded) => { document.head.firstChild.onload = loaded; });
  new ContextWindow({ announce() {} }).update({ context });
  return panelParts(context)[1].textContent;
}
"""


@pytest.mark.parametrize(
    ("guessed", "button", "panel"),
    [
        ({}, "[bar] Context 40%", "About 5.5k of the 14k tokens that it reads for one answer."),
        (
            {"guessed": True},
            "Context: about 5,500 tokens",
            "About 5.5k tokens. How much this model reads is not known.",
        ),
    ],
)
async def test_no_share_is_shown_of_a_window_that_is_guessed(
    modules: Page, guessed: dict[str, Any], button: str, panel: str
) -> None:
    context = {"window": 13_750, "used": 5_500, "shortened": 0, **guessed}
    said = await modules.evaluate(SHOW, context)
    shown = modules.get_by_role("button")
    await expect(shown).to_have_text(button, use_inner_text=True)
    assert said == panel
