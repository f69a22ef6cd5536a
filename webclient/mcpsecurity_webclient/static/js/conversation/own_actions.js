/** What the person can do with a message of hers: copy it, say something else in its place, or take it out. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { copyButton } from "../ui/copy.js";
import { moment } from "./moments.js";
import { onDemand } from "../ui/ondemand.js";
import { t } from "../ui/texts.js";

export class OwnActions {
  /** @param {any} message  @param {Element[]} shown  its elements while it is not edited  @param {PageContext} context */
  constructor(message, shown, context) {
    this._message = message;
    this._shown = shown;
    this._context = context;
    this._busy = false;
    this._leave = () => {};
    /** @type {import("./own_editor.js").OwnEditor | null} */
    this._editor = null;
    this._edit = button(t("Edit message"), () => this.edit(), { symbol: "pencil", iconOnly: true });
    this._remove = button(t("Delete message and what follows"), () => this._removed(), { symbol: "bin", iconOnly: true });
    this._bar = h("div", { class: "own-actions" }, message.at ? moment(message.at) : null, copyButton(t("Copy message"), () => message.text, context.announce), this._edit, this._remove);
    this.element = h("div", { class: "own" }, this._bar);
  }

  /** @param {boolean} busy */
  update(busy) {
    this._busy = busy;
    for (const element of [this._edit, this._remove]) element.setAttribute("aria-disabled", String(busy));
    this._editor?.update(busy);
  }

  /**
   * Let the person change the message in its place.
   * @param {() => void} [leave]  moves the focus when she leaves it as it was
   */
  async edit(leave = () => this._edit.focus()) {
    if (this._editor?.element.isConnected) return this._editor.focus();
    const module = await onDemand(() => import("./own_editor.js"), this._context, () => this.edit(leave));
    if (!module) return;
    this._leave = leave;
    this._editor ??= new module.OwnEditor(this._message, this._context, () => this._close());
    this.element.append(this._editor.element);
    this._show(false);
    this._editor.update(this._busy);
    this._editor.open();
  }

  _close() {
    this._editor?.element.remove();
    this._show(true);
    this._leave();
  }

  _show(shown) {
    for (const element of [this._bar, ...this._shown]) element.hidden = !shown;
  }

  async _removed() {
    try {
      await this._context.rising(() => this._context.commands.deleteMessage(this._message.message_id));
      this._context.announce(t("The message is taken out. You can go back to the version before."));
    } catch (error) {
      this._context.report(error);
    }
  }
}
