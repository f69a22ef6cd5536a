/** Buttons that act once: while their action is under way, further clicks do nothing. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/**
 * Make a button.
 * @param {string} label  its accessible name; shown unless `iconOnly`
 * @param {(event: Event) => any} action
 * @param {{kind?: string, symbol?: string|null, iconOnly?: boolean, [attribute: string]: any}} options
 */
export function button(label, action, { kind = "quiet", symbol = null, iconOnly = false, ...attributes } = {}) {
  const element = h(
    "button",
    { type: "button", class: `button ${kind}${iconOnly ? " icon-only" : ""}`, ...attributes },
    symbol ? icon(symbol) : null,
    iconOnly ? h("span", { class: "hidden-text" }, label) : h("span", {}, label),
  );
  if (iconOnly) element.title = label;
  element.addEventListener("click", once(element, action));
  return element;
}

/** Return a listener that ignores events while the action it started is under way. */
export function once(element, action) {
  let busy = false;
  return async (event) => {
    if (busy || element.getAttribute("aria-disabled") === "true") return;
    busy = true;
    element.setAttribute("aria-busy", "true");
    try {
      await action(event);
    } finally {
      busy = false;
      element.removeAttribute("aria-busy");
    }
  };
}
