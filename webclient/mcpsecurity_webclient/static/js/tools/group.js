/** Many ended calls in a row as one line that unfolds to theirs. */

import { arrange, h, setText } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t, tn } from "../ui/texts.js";
import { span, stateOf } from "./wording.js";

const FEWEST = 4;
const ENDED = ["done", "declined", "cancelled"];

export class CallGroup {
  constructor() {
    this._symbol = h("span", { class: "group-symbol" });
    this._done = null;
    this._words = h("span", { class: "group-words" });
    this._time = h("span", { class: "group-time" });
    this._calls = h("div", { class: "group-calls" });
    this._element = h("details", { class: "call-group" }, h("summary", {}, this._symbol, this._words, this._time), this._calls);
  }

  /** Return the elements to show for calls and their slots: the slots themselves, or one group if it is worth one. */
  update(calls, slots) {
    const quiet = calls.every(({ status }) => ENDED.includes(status)) && !slots.some((slot) => slot.querySelector("figure, img, .waiting"));
    if (calls.length < FEWEST || !quiet) return slots;
    const done = calls.filter(({ status }) => status === "done");
    const took = Math.max(...calls.map(({ duration_ms: duration }) => duration ?? 0));
    this._drawSymbol(done.length > 0);
    setText(this._words, tn("{count} call", "{count} calls", calls.length));
    setText(this._time, endOf(calls, done.length, took));
    if (!this._element.isConnected && slots.some((slot) => slot.querySelector("details[open]"))) this._element.open = true;
    arrange(this._calls, slots);
    return [this._element];
  }

  _drawSymbol(done) {
    if (done === this._done) return;
    this._done = done;
    this._symbol.replaceChildren(icon(done ? "check" : "close"));
  }
}

/** Return in a few words how calls ended, of which so many are done. */
function endOf(calls, done, took) {
  if (done === calls.length) return t("all done · {time}", { time: span(took) });
  if (done > 0) return t("{count} done", { count: done });
  return calls.every((call) => stateOf(call) === "declined") ? t("all declined") : t("none done");
}
