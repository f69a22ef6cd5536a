/** A button that copies text and says so for a moment. */

import { button } from "./button.js";
import { icon } from "./icons.js";
import { t } from "./texts.js";

const SHOWN_MS = 1600;

/** @param {string} label  @param {() => string} text  what to copy, asked for when it is clicked  @param {(text: string) => void} announce */
export function copyButton(label, text, announce) {
  const element = button(label, copy, { symbol: "copy", iconOnly: true, class: "button quiet icon-only copy" });
  let timer = null;

  async function copy() {
    try {
      await navigator.clipboard.writeText(text());
      show("check", t("Copied"));
    } catch {
      announce(t("The browser did not allow copying."));
      show("alert", t("Copying was not allowed"));
    }
  }

  function show(symbol, message) {
    announce(message);
    element.firstElementChild.replaceWith(icon(symbol));
    clearTimeout(timer);
    timer = setTimeout(() => element.firstElementChild.replaceWith(icon("copy")), SHOWN_MS);
  }

  return element;
}
