/** The person says something else in the place of a message of hers; files and resources that went along stay unless she removes them. */

import { h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/texts.js";

export class OwnEditor {
  /** @param {any} message  @param {PageContext} context  @param {() => void} close */
  constructor(message, context, close) {
    this._message = message;
    this._context = context;
    this._close = close;
    /** What stays, each by its number in the message. */
    this._kept = { files: /** @type {number[]} */ ([]), attachments: /** @type {number[]} */ ([]) };
    this._chips = h("ul", { class: "chips", "aria-label": t("Attached") });
    this._text = h("textarea", { class: "own-text", dir: "auto", rows: "3", "aria-label": t("What you said") });
    this._save = button(t("Save and ask"), () => this._saved(), { kind: "primary" });
    this._text.addEventListener("keydown", ({ key }) => key === "Escape" && close());
    this.element = h("div", { class: "own-editor" }, this._chips, this._text,
      h("div", { class: "actions" }, this._save, button(t("Cancel"), close, { kind: "plain" })));
  }

  /** Start again with the message as it is. */
  open() {
    const { text, files = [], attachments = [] } = this._message;
    this._kept = { files: [...files.keys()], attachments: [...attachments.keys()] };
    this._drawChips();
    this._text.value = text;
    this._text.focus();
  }

  focus() {
    this._text.focus();
  }

  /** @param {boolean} busy */
  update(busy) {
    this._save.setAttribute("aria-disabled", String(busy));
  }

  _drawChips() {
    const { files = [], attachments = [] } = this._message;
    this._chips.replaceChildren(
      ...this._kept.attachments.map((number) => this._chip("attachments", number, attachments[number].name || attachments[number].uri)),
      ...this._kept.files.map((number) => this._chip("files", number, files[number].name)));
    this._chips.hidden = this._chips.childElementCount === 0;
  }

  /** @param {"files"|"attachments"} kind */
  _chip(kind, number, name) {
    const remove = () => {
      this._kept[kind] = this._kept[kind].filter((kept) => kept !== number);
      this._drawChips();
      this._text.focus();
    };
    return h("li", { class: "chip" }, icon("attach"), h("span", { dir: "auto" }, name),
      button(t("Remove {name}", { name }), remove, { symbol: "close", iconOnly: true }));
  }

  async _saved() {
    const text = this._text.value.trim();
    if (!text && this._kept.files.length === 0) return this._text.focus();
    try {
      await this._context.rising(() => this._context.commands.editMessage(this._message.message_id, text, this._kept));
      this._context.sent();
    } catch (error) {
      this._context.report(error);
    }
  }
}
