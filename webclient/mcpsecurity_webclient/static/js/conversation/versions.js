/** Versions of the conversation: "2 of 3", and the way to the one before and after. */

import { h, setText } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { t } from "../ui/texts.js";

/**
 * Return the fork whose versions differ from the message at `index` on; at the end, the fork of the removed messages.
 * @param {PageState} state
 * @param {number} index
 */
export function forkAt({ forks, order }, index) {
  const before = index > 0 ? order[index - 1] : null;
  return forks.find(({ after, of }) => of > 1 && after === before) ?? null;
}

export class VersionSwitch {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    /** @type {ForkView | null} */
    this._fork = null;
    this._words = h("span", { class: "version-words" });
    this._back = button(t("Version before"), () => this._open(-1), { symbol: "back", iconOnly: true });
    this._forth = button(t("Version after"), () => this._open(1), { symbol: "forth", iconOnly: true });
    this.element = h("div", { class: "versions", role: "group", "aria-label": t("Versions"), hidden: true }, this._back, this._words, this._forth);
  }

  /** @param {ForkView | null} fork  @param {boolean} busy */
  update(fork, busy) {
    this._fork = fork;
    this.element.hidden = fork === null;
    if (fork === null) return;
    setText(this._words, t("{open} of {of}", { open: fork.open, of: fork.of }));
    this._back.setAttribute("aria-disabled", String(busy || fork.open <= 1));
    this._forth.setAttribute("aria-disabled", String(busy || fork.open >= fork.of));
  }

  async _open(step) {
    const { after, open } = this._fork;
    try {
      await this._context.rising(() => this._context.commands.openVersion(after, open + step));
    } catch (error) {
      this._context.report(error);
    }
  }
}
