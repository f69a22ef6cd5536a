/** Which model wrote an answer and how many tokens it took: shown on request, in every answer or in none. */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { number, t, tn } from "../ui/texts.js";

const KEY = "usage";
const SHOWN = "shows-usage";
const toggles = new Set();

/** @param {boolean} shown */
function show(shown) {
  document.body.classList.toggle(SHOWN, shown);
  for (const toggle of toggles) if (!toggle.isConnected) toggles.delete(toggle);
  for (const toggle of toggles) toggle.setAttribute("aria-pressed", String(shown));
}

export class Usage {
  constructor() {
    const shown = localStorage.getItem(KEY) === "shown";
    document.body.classList.toggle(SHOWN, shown);
    this.toggle = button(t("Model and tokens"), () => this._turn(), { symbol: "info", iconOnly: true, "aria-pressed": String(shown) });
    this.element = h("span", { class: "usage" });
    toggles.add(this.toggle);
  }

  /** @param {string} model  @param {any} usage */
  update(model, usage) {
    const words = [model, tokens(usage)].filter(Boolean).join(" · ");
    setText(this.element, words);
    this.toggle.hidden = words === "";
  }

  _turn() {
    const shown = !document.body.classList.contains(SHOWN);
    localStorage.setItem(KEY, shown ? "shown" : "");
    show(shown);
  }
}

function tokens(usage) {
  const { prompt_tokens: read, completion_tokens: written } = usage ?? {};
  const total = [read, written].filter(Number.isFinite).reduce((sum, count) => sum + count, 0);
  if (Number.isFinite(read) && Number.isFinite(written)) {
    return t("{total} tokens ({read} in, {written} out)", { total: number(total), read: number(read), written: number(written) });
  }
  return total > 0 ? tn("{count} token", "{count} tokens", total) : ""; // some endpoints report no usage
}
