/** The approval mode: who asks the person before a tool runs – this page (`manual`) or the MCP server (`elicitation`). */

import { byId, setText } from "../ui/dom.js";

const MEANING = {
  manual: "Nothing runs until you approve it.",
  elicitation: "Tools run without asking here. A server may still ask you.",
};

export class Mode {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._select = byId("mode");
    this._meaning = byId("mode-meaning");
    this._mode = this._select.value;
    this._select.addEventListener("change", () => this._choose());
  }

  update({ mode, ready }) {
    if (!ready || mode === this._mode) return;
    this._mode = mode;
    this._draw();
  }

  async _choose() {
    const wanted = this._select.value;
    setText(this._meaning, MEANING[wanted]);
    try {
      await this._context.commands.mode(wanted);
    } catch (error) {
      this._draw();
      this._context.report(error);
    }
  }

  _draw() {
    this._select.value = this._mode;
    setText(this._meaning, MEANING[this._mode]);
  }
}
