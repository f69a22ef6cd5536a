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
    const words = h("p", { dir: "auto", role: level === "error" ? "alert" : "status" });
    const remove = () => {
      element.remove();
      if (this._shown.get(key) === element) this._shown.delete(key);
      this._tidy();
    };
    const expire = () => {
      if (element.nextElementSibling) element.classList.add("gone");
      else remove();
    };
    const act = async () => {
      remove();
      await action.act();
    };
    const element = h("li", { class: `toast ${level}${key === message ? "" : " undo"}` }, icon(level === "info" ? "check" : "alert"), words,
      action ? button(action.label, act, { kind: "plain" }) : null,
      button(t("Dismiss"), remove, { symbol: "close", iconOnly: true }));
    const earlier = this._shown.get(key);
    if (earlier?.isConnected) earlier.replaceWith(element);
    else this._list.append(element);
    this._shown.set(key, element);
    setText(words, message);
    for (const old of [...this._list.querySelectorAll("li:not(.undo, .gone)")].slice(0, -MOST)) old.remove();
    if (ms > 0) setTimeout(expire, ms);
    return remove;
  }

  /** The place of a message that went by itself stays empty, so that the others do not move, until those below it are gone. */
  _tidy() {
    while (this._list.lastElementChild?.classList.contains("gone")) this._list.lastElementChild.remove();
  }
}
