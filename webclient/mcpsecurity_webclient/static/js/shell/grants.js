/**
 * The tools that may run without asking in this chat, each with a button that takes the permission back; and all that
 * the person allowed, in the account menu.
 */

import { byId, h } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { icon } from "../ui/icons.js";
import { absent } from "../ui/ondemand.js";
import { t } from "../ui/texts.js";

export class Grants {
  /** @param {PageContext} context */
  constructor(context) {
    this._context = context;
    this._element = byId("grants");
    this._drawn = null;
    byId("account-menu").addEventListener("toggle", () => this._list());
  }

  update({ grants }) {
    if (grants === this._drawn) return;
    this._drawn = grants;
    this._list();
    this._element.hidden = grants.length === 0;
    const chips = grants.map((grant) => h("li", { class: "chip" }, icon("check"),
      h("span", { dir: "auto" }, grant.tool, " ", h("bdi", { class: "muted" }, this._context.serverTitle(grant.server))),
      button(t("Revoke {tool}", { tool: grant.tool }), () => this._revoke(grant), { symbol: "close", iconOnly: true })));
    this._element.replaceChildren(h("span", { class: "grants-title" }, t("Always allowed")), h("ul", { class: "chips" }, chips));
  }

  /** The menu's list is drawn, and its module loaded, when the menu is open. */
  async _list() {
    if (!byId("account-menu").matches(":popover-open")) return;
    const module = await import("./account_grants.js").catch(() => null);
    if (module) return module.drawGrants(this._drawn ?? [], this._context, (grant) => this._revoke(grant));
    byId("account-grants-none").hidden = true;
    byId("account-grants-list").replaceChildren(h("li", {}, absent(() => this._list())));
  }

  async _revoke(grant) {
    try {
      await this._context.commands.revoke(grant);
      this._context.announce(t("{tool} asks you again from now on.", { tool: grant.tool }));
    } catch (error) {
      this._context.report(error);
    }
  }
}
