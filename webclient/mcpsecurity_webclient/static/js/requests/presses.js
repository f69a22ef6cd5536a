/**
 * A double tap is one decision. What has come under the finger meanwhile, such as the next card or the second step of a
 * call that deletes, was not seen and is not decided by it.
 */

const SOON_MS = 500;
const NEAR_PX = 32;
const DECIDES = ".decide button";

/** @param {HTMLElement} area  the conversation */
export function ignoreSecondTaps(area) {
  let last = { button: null, at: -Infinity, x: 0, y: 0 };

  area.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button || event.detail === 0) return; // a key or an assistive technology presses what has the focus
    const { timeStamp: at, clientX: x, clientY: y } = event;
    const isSecond = at - last.at < SOON_MS && Math.hypot(x - last.x, y - last.y) < NEAR_PX;
    if (isSecond && button !== last.button && button.matches(DECIDES)) {
      event.preventDefault();
      event.stopPropagation();
      last = { ...last, at }; // nor does a third tap
    } else {
      last = { button, at, x, y };
    }
  }, { capture: true });
}
