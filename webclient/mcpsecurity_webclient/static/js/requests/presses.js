/**
 * A double tap is one decision. What has come under the finger meanwhile, such as the next card or the second step of a
 * call that deletes, was not seen: for a moment after each press, the buttons that decide take no pointer. Keys and
 * assistive technologies press what has the focus, and are not held up.
 */

const MOMENT_MS = 500;

/** @param {HTMLElement} area  the conversation  @param {number} momentMs */
export function settleAfterPresses(area, momentMs = MOMENT_MS) {
  let timer = 0;

  area.addEventListener("click", (event) => {
    if (event.detail === 0 || !(event.target instanceof Element && event.target.closest("button"))) return;
    area.toggleAttribute("data-settling", true);
    clearTimeout(timer);
    timer = setTimeout(() => area.toggleAttribute("data-settling", false), momentMs);
  }, { capture: true });
}
