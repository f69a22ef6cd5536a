/** The line below the last message: the model is thinking, or why there is no answer and what to do. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { endingOf } from "../protocol/endings.js";
import { waitingCount } from "../protocol/state.js";
import { Thinking } from "./thinking.js";
import { t } from "../ui/texts.js";

const LABELS = {
  retry: () => [t("Try again"), "redo"],
  continue: () => [t("Continue"), "down"],
  edit: () => [t("Edit message"), "pencil"],
};

export class Ending {
  /** @param {PageContext} context  @param {() => void} edit  lets the person change her last message */
  constructor({ retry, goOn, clock, announce }, edit) {
    this._act = { retry, continue: goOn, edit };
    this._thinking = new Thinking(clock, announce);
    this._shown = null;
    this._timer = null;
    this.element = h("div", { class: "ending" });
  }

  update(state) {
    const shown = isThinking(state) ? (state.run.asked_at ?? "thinking") : (endingOf(state) ?? "");
    if (shown === this._shown) return;
    this._shown = shown;
    clearInterval(this._timer);
    this._thinking.stop();
    if (isThinking(state)) this._think(state.run.asked_at);
    else this.element.replaceChildren(...(shown === "" ? [] : [this._failure(shown)]));
  }

  _think(since) {
    this.element.replaceChildren(this._thinking.start(since));
  }

  _failure({ message, actions, retry_after: wait, kind }) {
    const buttons = actions.map((action) => this._button(action, wait));
    return h("div", { class: `failure ${kind ?? "error"}`, role: "group", "aria-label": t("No answer") },
      icon("alert"), h("p", {}, message), buttons);
  }

  _button(action, wait) {
    const [label, symbol] = LABELS[action]();
    const element = button(label, () => this._act[action](), { kind: "plain", symbol });
    if (action === "retry" && wait > 0) this._holdBack(element, wait);
    return element;
  }

  /** A model that asked for a pause gets it: the button counts down first. */
  _holdBack(again, seconds) {
    const label = again.lastElementChild;
    let left = Math.ceil(seconds);
    const tick = () => {
      again.setAttribute("aria-disabled", String(left > 0));
      label.textContent = left > 0 ? t("Try again in {left} s", { left }) : t("Try again");
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
  if (last?.role === "assistant" && last.done && !(state.run.asked_at > last.at)) return false; // the answer has just ended
  return !busy && (last?.role !== "assistant" || last.done || (!last.html && !last.stable));
}
