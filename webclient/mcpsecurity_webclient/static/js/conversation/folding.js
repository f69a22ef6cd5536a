/** A long message shows its beginning, and all of it when the person wants that. */

import { h } from "../ui/dom.js";
import { t } from "../ui/texts.js";

const LONG = 1500;
const MANY_LINES = 24;

/** Return a button that shows all of a long message, or its beginning again; null for a short one. */
export function foldButton(text, bubble) {
  if (text.length <= LONG && text.split("\n").length <= MANY_LINES) return null;
  const turn = (open) => {
    bubble.classList.toggle("folded", !open);
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? t("Show less") : t("Show all");
  };
  const button = h("button", { type: "button", class: "button link", onclick: () => turn(bubble.classList.contains("folded")) });
  turn(false);
  return button;
}
