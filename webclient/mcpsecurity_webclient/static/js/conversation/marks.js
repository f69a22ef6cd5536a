/** Thumbs up and down for an answer. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

export class Marks {
  /** @param {string} messageId  @param {PageContext} context */
  constructor(messageId, context) {
    this._id = messageId;
    this._context = context;
    this._mark = null;
    this._buttons = {
      up: button(t("Good answer"), () => this._set("up"), { symbol: "thumbUp", iconOnly: true }),
      down: button(t("Bad answer"), () => this._set("down"), { symbol: "thumbDown", iconOnly: true }),
    };
    this.element = h("span", { class: "marks" }, this._buttons.up, this._buttons.down);
  }

  update({ feedback = null }) {
    this._mark = feedback;
    for (const [mark, element] of Object.entries(this._buttons)) element.setAttribute("aria-pressed", String(mark === feedback));
  }

  async _set(mark) {
    try {
      await this._context.commands.rate(this._id, mark === this._mark ? null : mark);
    } catch (error) {
      this._context.report(error);
    }
  }
}
