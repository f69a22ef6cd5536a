/** What the person allowed to run without asking, in her account's menu: all of it, each with a button to take it back. */

import { byId, h, uniqueId } from "../ui/dom.js";
import { button } from "../ui/button.js";
import { writeExact } from "../protocol/exact.js";
import { t } from "../ui/texts.js";

/** @param {GrantView[]} grants  @param {PageContext} context  @param {(grant: any) => Promise<void>} revoke */
export function drawGrants(grants, context, revoke) {
  const list = byId("account-grants-list");
  list.replaceChildren(...grants.map((grant) => row(grant, context, revoke)));
  byId("account-grants-none").hidden = grants.length > 0;
}

function row(grant, context, revoke) {
  const { server, tool, scope, arguments: values } = grant;
  const id = uniqueId("grant");
  const take = button(t("Revoke"), async () => {
    await revoke(grant);
    if (byId("account-menu").matches(":popover-open")) byId("account-grants").focus();
  }, { kind: "plain", "aria-label": t("Revoke {tool}", { tool }), "aria-describedby": id });
  return h("li", {},
    h("div", { class: "account-grant" },
      h("span", { class: "menu-name", dir: "auto" }, tool),
      h("span", { class: "menu-note", id }, h("bdi", {}, context.serverTitle(server)), ` · ${words(scope)}`),
      values ? h("code", { class: "menu-note", dir: "auto" }, writeExact(values)) : null),
    take);
}

function words(scope) {
  if (scope === "arguments") return t("in any chat, with these arguments");
  return scope === "person" ? t("in any chat") : t("in this chat");
}
