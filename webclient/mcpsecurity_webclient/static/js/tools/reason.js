/** The reason for declining, which the assistant reads. It belongs to Decline: Enter in it declines. */

import { h, uniqueId } from "../ui/dom.js";
import { button } from "../ui/button.js";

export class Reason {
  /** @param {() => void} decline  @param {(open: boolean) => void} changed */
  constructor(decline, changed) {
    this._changed = changed;
    this._input = h("input", { type: "text", id: uniqueId("reason"), maxlength: "500", autocomplete: "off", enterkeyhint: "send" });
    this.opener = button("with a reason…", () => this._show(true), { kind: "link", "aria-expanded": "false", "aria-controls": `${this._input.id}-row` });
    this.element = h("div", { class: "field reason", id: `${this._input.id}-row`, hidden: true },
      h("label", { class: "label", for: this._input.id }, "Tell the assistant why"), this._input);
    this._input.addEventListener("keydown", (event) => this._keydown(event, decline));
  }

  get text() {
    return this._input.value.trim();
  }

  _show(open) {
    this.element.hidden = !open;
    this.opener.hidden = open;
    this.opener.setAttribute("aria-expanded", String(open));
    this._changed(open);
    (open ? this._input : this.opener).focus();
  }

  _keydown(event, decline) {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      decline();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this._show(false);
    }
  }
}
