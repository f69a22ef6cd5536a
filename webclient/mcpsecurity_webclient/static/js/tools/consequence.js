/**
 * What a call may do, by what its server says of the tool. A server can be wrong, or lie: it is shown as its word, and
 * decides nothing but how loudly the page asks.
 */

import { h } from "../ui/dom.js";
import { t } from "../ui/texts.js";

/** @typedef {"reads"|"changes"|"destroys"|"unknown"} Effect */

/**
 * Return what a tool's annotations say, with the defaults of the MCP specification (2025-11-25, ToolAnnotations): a
 * tool that does not only read may destroy unless its server says otherwise.
 * @param {{readOnlyHint?: boolean, destructiveHint?: boolean, openWorldHint?: boolean}} [annotations]
 * @returns {{effect: Effect, outside: boolean}}
 */
export function consequenceOf(annotations) {
  const { readOnlyHint: reads, destructiveHint: destroys, openWorldHint: outside } = annotations ?? {};
  return { effect: effectOf(reads, destroys), outside: outside === true };
}

/** @param {Effect} effect */
function words(effect) {
  return { reads: t("Reads"), changes: t("Changes"), destroys: t("Deletes"), unknown: t("Effect unknown") }[effect];
}

function effectOf(reads, destroys) {
  if (reads === true) return "reads";
  if (destroys === true) return "destroys";
  if (destroys === false) return "changes";
  return reads === false ? "destroys" : "unknown";
}

/** Return the consequences as chips. */
export function effectChips(annotations) {
  const { effect, outside } = consequenceOf(annotations);
  return [h("span", { class: "effect", "data-effect": effect }, words(effect)), outside ? h("span", { class: "effect outside" }, t("Reaches outside")) : null];
}

/** Return a line with the consequences as chips, who says so, and the tool's own name. */
export function consequenceView({ annotations, tool }, server) {
  const { effect } = consequenceOf(annotations);
  const source = effect === "unknown" ? t("{server} does not say whether this tool reads, changes or deletes.", { server }) : t("according to {server}", { server });
  return h("p", { class: "consequence" }, effectChips(annotations), h("span", { class: "consequence-source", dir: "auto" }, source), h("code", { class: "consequence-tool", dir: "auto" }, tool));
}
