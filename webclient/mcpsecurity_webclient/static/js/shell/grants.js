/** The tools that may run without asking in this chat, each with a button that takes the permission back. */

import { byId, h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { t } from "../ui/texts.js";

export class Grants {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._element = byId("grants");
    this._drawn = null;
  }

  update({ grants }) {
    if (grants === this._drawn) return;
    this._drawn = grants;
    this._element.hidden = grants.length === 0;
    const chips = grants.map((grant) => h("li", { class: "chip" }, icon("check"),
      h("span", {}, grant.tool, h("span", { class: "muted" }, ` ${this._context.serverTitle(grant.server)}`)),
      button(t("Revoke {tool}", { tool: grant.tool }), () => this._revoke(grant), { symbol: "close", iconOnly: true })));
    this._element.replaceChildren(h("span", { class: "grants-title" }, t("Always allowed")), h("ul", { class: "chips" }, chips));
  }

  async _revoke(grant) {
    try {
      await this._context.commands.revoke(grant);
    } catch (error) {
      this._context.report(error);
    }
  }
}
