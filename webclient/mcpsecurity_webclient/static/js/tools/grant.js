/**
 * Whether the person wants to be asked again: part of a decision to approve. The server says in which scopes a tool can be
 * allowed; for what may destroy there is none.
 */

import { h, uniqueId } from "../ui/dom.js";
import { t } from "../ui/texts.js";

export class GrantChoice {
  /** @param {any} call */
  constructor(call) {
    /** @type {string[]} */
    this._scopes = ["chat", "arguments", "person"].filter((scope) => (call.grantable ?? []).includes(scope));
    this._box = h("input", { type: "checkbox", id: uniqueId("grant") });
    this._scope = h("select", { "aria-label": t("For how long") }, this._scopes.map((scope) => h("option", { value: scope }, words(scope))));
    const one = this._scopes.length === 1;
    const label = one ? labelFor(this._scopes[0], call.title || call.tool) : t("Don't ask again for {tool}", { tool: call.title || call.tool });
    this.element = h("div", { class: "grant-choice", hidden: this._scopes.length === 0 }, this._box, h("label", { for: this._box.id, dir: "auto" }, label), one ? null : this._scope);
    this._scope.addEventListener("change", () => { this._box.checked = true; });
  }

  /** What a decision to approve says about later calls. */
  get extras() {
    return this._box.checked && this._scopes.length > 0 ? { always: this._scopes.length === 1 ? this._scopes[0] : this._scope.value } : {};
  }
}

function words(scope) {
  if (scope === "arguments") return t("with these arguments");
  return scope === "person" ? t("in any chat") : t("in this chat");
}

function labelFor(scope, tool) {
  if (scope === "arguments") return t("Don't ask again for {tool} with these arguments", { tool });
  return scope === "person" ? t("Don't ask again for {tool} in any chat", { tool }) : t("Don't ask again for {tool} in this chat", { tool });
}
