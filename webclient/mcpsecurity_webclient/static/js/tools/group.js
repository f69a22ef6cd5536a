/** Many ended calls in a row as one line that unfolds to theirs. */

import { arrange, h, setText } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { t, tn } from "../ui/texts.js";
import { span } from "./wording.js";

const FEWEST = 4;
const ENDED = ["done", "declined", "cancelled"];

export class CallGroup {
  constructor() {
    this._words = h("span", { class: "group-words" });
    this._time = h("span", { class: "group-time" });
    this._calls = h("div", { class: "group-calls" });
    this._element = h("details", { class: "call-group" }, h("summary", {}, icon("check"), this._words, this._time), this._calls);
  }

  /** Return the elements to show for calls and their slots: the slots themselves, or one group if it is worth one. */
  update(calls, slots) {
    const quiet = calls.every(({ status }) => ENDED.includes(status)) && !slots.some((slot) => slot.querySelector("figure, img, .waiting"));
    if (calls.length < FEWEST || !quiet) return slots;
    const done = calls.filter(({ status }) => status === "done");
    const took = Math.max(...calls.map(({ duration_ms: duration }) => duration ?? 0));
    setText(this._words, tn("{count} call", "{count} calls", calls.length));
    setText(this._time, done.length === calls.length ? t("all done · {time}", { time: span(took) }) : t("{count} done", { count: done.length }));
    if (!this._element.isConnected && slots.some((slot) => slot.querySelector("details[open]"))) this._element.open = true;
    arrange(this._calls, slots);
    return [this._element];
  }
}
