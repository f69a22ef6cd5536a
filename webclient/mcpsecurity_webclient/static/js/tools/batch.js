/**
 * One decision for all calls that the model proposed together, when two or more of them wait. Calls that may destroy are
 * approved one by one.
 */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t, tn } from "../ui/texts.js";
import { oneAnswer } from "../requests/oneanswer.js";
import { consequenceOf } from "./consequence.js";

export class BatchBar {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._batchId = null;
    /** @type {(decision: "approve"|"decline") => Promise<boolean>} */
    this._answer = async () => false;
    this._words = h("span", { class: "batch-words" });
    this._approve = button(t("Approve all"), () => this._decide("approve"), { kind: "plain" });
    this._element = h("div", { class: "batch", role: "group", "aria-label": t("All waiting calls") }, this._words,
      button(t("Decline all"), () => this._decide("decline"), { kind: "plain" }), this._approve);
  }

  /** Return the elements to show above `calls`: the bar, or none. */
  update(calls) {
    const waiting = calls.filter((call) => call.status === "proposed");
    if (waiting.length < 2) return [];
    this._open(waiting[0].batch_id);
    this._approve.hidden = waiting.some((call) => consequenceOf(call.annotations).effect === "destroys");
    setText(this._words, tn("{count} call needs your decision", "{count} calls need your decision", waiting.length));
    return [this._element];
  }

  _open(batchId) {
    if (batchId === this._batchId) return;
    this._batchId = batchId;
    this._answer = oneAnswer((decision) => this._context.commands.decideBatch(batchId, decision));
  }

  async _decide(decision) {
    try {
      await this._answer(decision);
    } catch (error) {
      this._context.report(error);
    }
  }
}
