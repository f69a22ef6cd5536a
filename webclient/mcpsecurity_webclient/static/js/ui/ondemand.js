/**
 * Modules that are loaded when they are first needed. One that does not come, as there is no network or a new release has
 * taken its place, is said in words, with a way to ask for it again.
 */

import { button } from "./button.js";
import { h } from "./dom.js";
import { t } from "./texts.js";

/**
 * Return a module; null if it does not come, and then the person is told.
 * @template T
 * @param {() => Promise<T>} load  imports it
 * @param {PageContext} context
 * @param {() => any} again  does what needs it once more
 * @returns {Promise<T | null>}
 */
export function onDemand(load, { missing }, again) {
  return load().catch(() => {
    missing(missingWords(), again);
    return null;
  });
}

/** Return what stands in the place of a part whose module did not come. */
export function absent(again) {
  return h("div", { class: "absent" }, h("p", { class: "muted", role: "status" }, missingWords()), button(t("Try again"), again, { kind: "plain" }));
}

function missingWords() {
  return t("This part of the page could not be loaded. Try again, or reload the page: your text is kept.");
}
