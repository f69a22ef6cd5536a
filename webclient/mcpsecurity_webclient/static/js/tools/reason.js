/** The reason for declining, which the assistant reads. It belongs to Decline: Enter in it declines. */

import { h, uniqueId } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

export class Reason {
  /** @param {any} call  @param {{decline: () => void, changed: (open: boolean) => void, typed: Typed}} page */
  constructor(call, { decline, changed, typed }) {
    this._changed = changed;
    this._typed = typed;
    this._key = ["reason", call.server, call.tool, call.args_hash];
    this._input = h("input", { type: "text", dir: "auto", id: uniqueId("reason"), maxlength: "500", autocomplete: "off", enterkeyhint: "send" });
    this.opener = button(t("with a reason…"), () => this._show(true), { kind: "link", "aria-expanded": "false", "aria-controls": `${this._input.id}-row` });
    this.element = h("div", { class: "field reason", id: `${this._input.id}-row`, hidden: true },
      h("label", { class: "label", for: this._input.id }, t("Tell the assistant why")), this._input);
    this._input.addEventListener("input", () => this._typed.save(this._key, this._input.value));
    this._input.addEventListener("keydown", (event) => this._keydown(event, decline));
  }

  get text() {
    return this._input.value.trim();
  }

  /** Go on with a reason that was not sent, if there is one. */
  resume() {
    const kept = this._typed.load(this._key);
    if (typeof kept !== "string" || !kept) return;
    this._input.value = kept;
    this._open(true);
  }

  forget() {
    this._typed.forget(this._key);
  }

  _open(open) {
    this.element.hidden = !open;
    this.opener.hidden = open;
    this.opener.setAttribute("aria-expanded", String(open));
    this._changed(open);
  }

  _show(open) {
    this._open(open);
    (open ? this._input : this.opener).focus();
  }

  _keydown(event, decline) {
    if (event.key === "Enter") {
      event.preventDefault();
      decline();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this._show(false);
    }
  }
}
