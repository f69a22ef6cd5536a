/** Whether the person wants to be asked again: part of a decision to approve. It is never offered for what may destroy. */

import { h, uniqueId } from "../ui/dom.js";

export class GrantChoice {
  /** @param {any} call */
  constructor(call) {
    this._box = h("input", { type: "checkbox", id: uniqueId("grant") });
    this.element = h("p", { class: "grant-choice" }, this._box,
      h("label", { for: this._box.id }, `Don't ask again for ${call.title || call.tool} in this chat`));
  }

  /** What a decision to approve says about later calls. */
  get extras() {
    return this._box.checked ? { always: true } : {};
  }

  reset() {
    this._box.checked = false;
  }
}
