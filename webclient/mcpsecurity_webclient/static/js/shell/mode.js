/** The approval mode: who asks the person before a tool runs – this page (`manual`) or the MCP server (`elicitation`). */

import { byId, setText } from "../ui/dom.js";
import { t } from "../ui/texts.js";

/** @param {string} mode */
function meaning(mode) {
  return mode === "manual" ? t("Nothing runs until you approve it.") : t("Tools run without asking here. A server may still ask you.");
}

export class Mode {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._select = byId("mode");
    this._meaning = byId("mode-meaning");
    this._mode = this._select.value;
    /** Takes away the offer to undo, which is about the chat that is shown. */
    this._withdraw = () => {};
    this._select.addEventListener("change", () => this._choose());
  }

  update({ mode, ready }) {
    if (!ready || (mode === "manual" && mode !== this._mode)) this._withdraw();
    if (!ready || mode === this._mode) return;
    this._mode = mode;
    this._draw();
  }

  async _choose() {
    const wanted = this._select.value;
    const { chatId } = this._context.commands;
    if (wanted === "manual") this._withdraw();
    setText(this._meaning, meaning(wanted));
    try {
      await this._context.commands.mode(wanted);
      const holds = wanted === this._select.value && chatId === this._context.commands.chatId;
      if (holds && wanted !== "manual") this._confirm();
    } catch (error) {
      this._draw();
      this._context.report(error);
    }
  }

  /** A wider mode is told where the person sees it, with the way back. */
  _confirm() {
    const message = t("From now on tools run without asking you in this chat. A server may still ask you.");
    this._withdraw = this._context.undo(message, async () => {
      this._select.value = "manual";
      await this._choose();
    });
  }

  _draw() {
    this._select.value = this._mode;
    this._meaning.classList.toggle("wide", this._mode !== "manual");
    setText(this._meaning, meaning(this._mode));
  }
}
