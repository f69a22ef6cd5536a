/** Opens the list of tools, whose module is loaded on first use. */

import { byId } from "../ui/dom.js";
import { onDemand } from "../ui/ondemand.js";

export class ToolsOpener {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    /** @type {PageState | null} */
    this._state = null;
    this._tools = null;
    byId("open-tools").addEventListener("click", () => this._open());
  }

  /** @param {PageState} state */
  update(state) {
    this._state = state;
    this._tools?.update(state);
  }

  async _open() {
    byId("chat-menu").hidePopover();
    const module = await onDemand(() => import("./tools.js"), this._context, () => this._open());
    if (!module) return;
    this._tools ??= new module.Tools(this._context);
    this._tools.update(this._state);
    await this._tools.open();
  }
}
