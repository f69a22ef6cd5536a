/** What the person can do with a message of hers: copy it, say something else in its place, or take it out. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { copyButton } from "../ui/copy.js";
import { moment } from "./moments.js";
import { t } from "../ui/texts.js";

export class OwnActions {
  /** @param {any} message  @param {HTMLElement | null} bubble  @param {PageContext} context */
  constructor(message, bubble, context) {
    this._message = message;
    this._bubble = bubble;
    this._context = context;
    this._edit = button(t("Edit message"), () => this._open(true), { symbol: "form", iconOnly: true });
    this._remove = button(t("Delete message and what follows"), () => this._removed(), { symbol: "close", iconOnly: true });
    this._bar = h("div", { class: "own-actions" }, message.at ? moment(message.at) : null, copyButton(t("Copy message"), () => message.text, context.announce), this._edit, this._remove);
    this._editor = this._makeEditor();
    this.element = h("div", { class: "own" }, this._bar, this._editor);
  }

  /** @param {boolean} busy */
  update(busy) {
    for (const element of [this._edit, this._remove, this._save]) element.setAttribute("aria-disabled", String(busy));
  }

  edit() {
    this._open(true);
  }

  _makeEditor() {
    this._text = h("textarea", { class: "own-text", dir: "auto", rows: "3", "aria-label": t("What you said") });
    this._save = button(t("Save and ask"), () => this._saved(), { kind: "primary" });
    this._text.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this._open(false);
    });
    return h("div", { class: "own-editor", hidden: true }, this._text,
      h("div", { class: "actions" }, this._save, button(t("Cancel"), () => this._open(false), { kind: "plain" })));
  }

  _open(open) {
    this._editor.hidden = !open;
    this._bar.hidden = open;
    if (this._bubble) this._bubble.hidden = open;
    if (open) {
      this._text.value = this._message.text;
      this._text.focus();
    } else {
      this._edit.focus();
    }
  }

  async _saved() {
    const text = this._text.value.trim();
    if (!text) return this._text.focus();
    this._context.rise();
    try {
      await this._context.commands.editMessage(this._message.message_id, text);
      this._context.sent();
    } catch (error) {
      this._context.report(error);
    }
  }

  async _removed() {
    this._context.rise();
    try {
      await this._context.commands.deleteMessage(this._message.message_id);
      this._context.announce(t("The message is taken out. You can go back to the version before."));
    } catch (error) {
      this._context.report(error);
    }
  }
}
