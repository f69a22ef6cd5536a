/** How full the model's context window is, and the model's note of what it is not sent any more. */

import { byId, setText } from "../ui/dom.js";
import { absent } from "../ui/ondemand.js";
import { anchored } from "../ui/popover.js";
import { number, percent, t } from "../ui/texts.js";

export class ContextWindow {
  /** @param {PageContext} context */
  constructor({ announce }) {
    this._announce = announce;
    this._opener = byId("window");
    this._words = byId("window-words");
    this._bar = /** @type {HTMLElement} */ (this._opener.querySelector(".window-bar"));
    this._panel = byId("window-panel");
    this._drawn = null;
    this._note = null;
    anchored(this._opener, this._panel, () => this._fill());
  }

  /** @param {PageState} state */
  update({ context }) {
    if (context === this._drawn) return;
    const known = this._drawn !== null;
    this._drawn = context;
    this._opener.hidden = !context?.window || !context.used;
    if (this._opener.hidden) return;
    const share = Math.min(context.used / context.window, 1);
    this._opener.style.setProperty("--share", String(share));
    this._bar.hidden = context.guessed === true; // of a guess, no share is shown
    setText(this._words, context.guessed ? t("Context: about {used} tokens", { used: number(context.used) }) : shareWords(share));
    this._fill();
    const { note } = context;
    if (known && note && note.at !== this._note) this._announce(t("The model has written a note of the earlier messages."));
    this._note = note?.at ?? null;
  }

  /** What the panel says is drawn, and its module loaded, when it is open. */
  async _fill() {
    if (!this._panel.matches(":popover-open")) return;
    const module = await import("./windowpanel.js").catch(() => null);
    this._panel.replaceChildren(...(module ? module.panelParts(this._drawn) : [absent(() => this._fill())]));
  }
}

/** @param {number} share */
function shareWords(share) {
  return share < 0.01 ? t("Context below 1%") : t("Context {share}", { share: percent(share) });
}
