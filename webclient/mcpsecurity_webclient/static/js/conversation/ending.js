/** What stands below the last message: that the model is thinking, or why there is no answer and what to do. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { endingOf } from "../protocol/endings.js";
import { waitingCount } from "../protocol/state.js";

export class Ending {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._thinking = h("p", { class: "thinking" }, h("span", { class: "hidden-text" }, "The model is thinking."),
      h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")));
    this._shown = null;
    this._timer = null;
    this.element = h("div", { class: "ending" });
  }

  update(state) {
    const shown = isThinking(state) ? "thinking" : (endingOf(state) ?? "");
    if (shown === this._shown) return;
    this._shown = shown;
    clearInterval(this._timer);
    if (shown === "") this.element.replaceChildren();
    else this.element.replaceChildren(shown === "thinking" ? this._thinking : this._failure(shown));
  }

  _failure({ message, retryable, retry_after: wait, kind }) {
    const again = button("Try again", () => this._context.regenerate(), { kind: "plain", symbol: "redo" });
    if (wait > 0) this._holdBack(again, wait);
    return h("div", { class: `failure ${kind ?? "error"}`, role: "group", "aria-label": "No answer" },
      icon("alert"), h("p", {}, message), retryable ? again : null);
  }

  /** A model that asked for a pause gets it: the button counts down first. */
  _holdBack(again, seconds) {
    const label = again.lastElementChild;
    let left = Math.ceil(seconds);
    const tick = () => {
      again.setAttribute("aria-disabled", String(left > 0));
      label.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
      if (left <= 0) clearInterval(this._timer);
      left -= 1;
    };
    tick();
    this._timer = setInterval(tick, 1000);
  }
}

/** The model is thinking while a run is on, nothing waits for a person or a tool, and no text is arriving. */
function isThinking(state) {
  if (!state.run || waitingCount(state) > 0) return false;
  const busy = Object.values(state.calls).some(({ status }) => ["approved", "running"].includes(status));
  const last = state.messages[state.order.at(-1)];
  return !busy && (last?.role !== "assistant" || last.done || (!last.html && !last.stable));
}
