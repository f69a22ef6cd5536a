/**
 * The focus never falls to the body. When what had it is taken away, it goes on: to the next thing that waits, else to the
 * message box; on a screen that is touched to the conversation, so that no keyboard comes up; in a menu or a dialog it stays.
 */

import { byId } from "../ui/dom.js";

const FIRST = "button:not([hidden]), input, a[href]";

/** @param {(gone: HTMLElement) => void} leave  moves the focus away from the removed element */
export function keepFocus(leave) {
  /** @type {HTMLElement|null} what had the focus last; null once the person has turned away from it */
  let last = null;
  /** @type {HTMLElement|null} the menu or dialog that it was in */
  let within = null;

  document.addEventListener("focusin", ({ target }) => {
    last = /** @type {HTMLElement} */ (target);
    within = last.closest("dialog, [popover]");
  });
  document.addEventListener("pointerdown", () => (last = null), true);
  new MutationObserver((changes) => {
    const gone = last;
    if (gone === null || !isLost(gone, changes)) return;
    setTimeout(() => last === gone && goOn(gone)); // the code that removed it may move the focus itself
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"] });

  function goOn(gone) {
    if (![gone, document.body].includes(document.activeElement)) return;
    if (gone.isConnected && gone.checkVisibility()) return gone.focus({ preventScroll: true }); // it was only moved
    if (within?.matches(":popover-open, [open]")) return /** @type {HTMLElement} */ (within.querySelector(FIRST) ?? within).focus();
    leave(gone);
    if (document.activeElement === document.body) byId("conversation").focus({ preventScroll: true });
  }
}

function isLost(gone, changes) {
  return document.activeElement === document.body || changes.some(({ type, target }) => type === "attributes" && target.hidden && target.contains(gone));
}
