/** Short messages at the edge of the page. Errors stay until they are dismissed; the rest goes by itself. */

import { byId, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

const SHOWN_MS = 7000;
const MOST = 4;

export class Toasts {
  constructor() {
    this._list = byId("toasts");
  }

  /** @param {{level: "info"|"warning"|"error", message: string, again?: () => Promise<any>, label?: string, goes?: boolean}} toast  `goes`: by
   *    itself, though it is no mere information */
  show({ level, message, again, label = t("Try again"), goes = level === "info" }) {
    const element = h("li", { class: `toast ${level}` },
      icon(level === "info" ? "check" : "alert"), h("p", { role: level === "error" ? "alert" : "status" }, message),
      again ? button(label, () => this._again(element, again), { kind: "plain" }) : null,
      button(t("Dismiss"), () => element.remove(), { symbol: "close", iconOnly: true }));
    this._list.append(element);
    while (this._list.children.length > MOST) this._list.firstElementChild.remove();
    if (goes) setTimeout(() => element.remove(), SHOWN_MS);
  }

  async _again(element, again) {
    element.remove();
    await again();
  }
}
