/** Short messages at the edge of the page. Errors stay until they are dismissed; the rest goes by itself. */

import { byId, h, setText } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

const SHOWN_MS = 7000;
const MOST = 4;

export class Toasts {
  constructor() {
    this._list = byId("toasts");
    /** @type {Map<string | symbol, HTMLElement>} those that are shown, by what they say; offers to undo each by itself */
    this._shown = new Map();
  }

  /**
   * Show a message. One that says the same takes the place of the earlier one.
   * @param {{level: "info"|"warning"|"error", message: string, again?: () => Promise<any>, label?: string}} toast  `again` repeats what failed
   * @returns {() => void}  takes it away
   */
  show({ level, message, again, label = t("Try again") }) {
    return this._add(message, level, again ? { label, act: again } : null, level === "info" ? SHOWN_MS : 0);
  }

  /**
   * Say that something happened which can be undone for a while. Of two that say the same, each can be, and none is pushed out.
   * @param {string} message  @param {() => any} undo  @param {number} ms
   * @returns {() => void}  takes it away
   */
  offerUndo(message, undo, ms) {
    return this._add(message, "info", { label: t("Undo"), act: undo }, ms, Symbol("undo"));
  }

  /** @param {string | symbol} key  another message of this key takes its place */
  _add(message, level, action, ms, key = message) {
    this._shown.get(key)?.remove();
    const words = h("p", { dir: "auto", role: level === "error" ? "alert" : "status" });
    const remove = () => {
      element.remove();
      if (this._shown.get(key) === element) this._shown.delete(key);
    };
    const act = async () => {
      remove();
      await action.act();
    };
    const element = h("li", { class: `toast ${level}${key === message ? "" : " undo"}` }, icon(level === "info" ? "check" : "alert"), words,
      action ? button(action.label, act, { kind: "plain" }) : null,
      button(t("Dismiss"), remove, { symbol: "close", iconOnly: true }));
    this._shown.set(key, element);
    this._list.append(element);
    setText(words, message);
    for (const old of [...this._list.querySelectorAll("li:not(.undo)")].slice(0, -MOST)) old.remove();
    if (ms > 0) setTimeout(remove, ms);
    return remove;
  }
}
