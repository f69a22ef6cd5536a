/** One decision for all calls that the model proposed together. It is offered when two or more of them wait. */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";

export class BatchBar {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._batchId = null;
    this._words = h("span", { class: "batch-words" });
    this._element = h("div", { class: "batch", role: "group", "aria-label": "All waiting calls" }, this._words,
      button("Approve all", () => this._decide("approve"), { kind: "plain" }),
      button("Decline all", () => this._decide("decline"), { kind: "plain" }));
  }

  /** Return the elements to show above `calls`: the bar, or none. */
  update(calls) {
    const waiting = calls.filter((call) => call.status === "proposed");
    if (waiting.length < 2) return [];
    this._batchId = waiting[0].batch_id;
    setText(this._words, `${waiting.length} calls wait for you`);
    return [this._element];
  }

  async _decide(decision) {
    try {
      await this._context.commands.decideBatch(this._batchId, decision);
    } catch (error) {
      this._context.report(error);
    }
  }
}
