"""A double tap is one decision, whatever comes under the finger after the first tap."""

from typing import Any

from playwright.async_api import Page

PRESS = """
async (presses) => {
  const { ignoreSecondTaps } = await import("/static/js/requests/presses.js");
  document.body.innerHTML = `<main><div class="decide"><button>one</button></div>
    <div class="decide"><button>two</button></div><p><button>copy</button></p></main>`;
  const [area, decided] = [document.querySelector("main"), []];
  ignoreSecondTaps(area);
  const buttons = [...area.querySelectorAll("button")];
  for (const button of buttons) button.onclick = () => decided.push(button.textContent);
  for (const [name, { x = 50, detail = 1, at = 0 }] of presses) {
    const button = buttons.find(({ textContent }) => textContent === name);
    const what = { bubbles: true, cancelable: true, detail, clientX: x, clientY: 9 };
    const click = new MouseEvent("click", what);
    Object.defineProperty(click, "timeStamp", { value: at });
    button.dispatchEvent(click);
  }
  return decided;
}
"""


async def pressed(modules: Page, *presses: tuple[str, dict[str, Any]]) -> Any:
    """Return the buttons that acted."""
    return await modules.evaluate(PRESS, [list(press) for press in presses])


async def test_second_and_third_taps_at_one_place_do_not_decide_another_request(modules: Page) -> None:
    assert await pressed(modules, ("one", {}), ("two", {"at": 400}), ("two", {"at": 800, "x": 60})) == ["one"]


async def test_a_button_that_comes_under_the_finger_at_any_other_press_does_not_decide(modules: Page) -> None:
    assert await pressed(modules, ("copy", {}), ("one", {})) == ["copy"]


async def test_what_is_pressed_again_gets_both_presses(modules: Page) -> None:
    assert await pressed(modules, ("copy", {}), ("copy", {}), ("one", {"x": 300})) == ["copy", "copy", "one"]


async def test_a_press_at_another_place_decides_at_once(modules: Page) -> None:
    assert await pressed(modules, ("one", {}), ("two", {"x": 150})) == ["one", "two"]


async def test_a_press_at_the_same_place_decides_after_a_moment(modules: Page) -> None:
    assert await pressed(modules, ("one", {}), ("two", {"at": 600})) == ["one", "two"]


async def test_keys_decide_as_fast_as_they_are_pressed(modules: Page) -> None:
    assert await pressed(modules, ("one", {"detail": 0}), ("two", {"detail": 0})) == ["one", "two"]
