/**
 * What a call may do, by what its server says of the tool. A server can be wrong, or lie: it is shown as its word, and
 * decides nothing but how loudly the page asks.
 */

import { h } from "../ui/dom.js";

/** @typedef {"reads"|"changes"|"destroys"|"unknown"} Effect */

const CHIPS = { reads: "Reads", changes: "Changes", destroys: "Deletes", unknown: "Effect unknown" };

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

function effectOf(reads, destroys) {
  if (reads === true) return "reads";
  if (destroys === true) return "destroys";
  if (destroys === false) return "changes";
  return reads === false ? "destroys" : "unknown";
}

/** Return a line with the consequences as chips, who says so, and the tool's own name. */
export function consequenceView({ annotations, tool }, server) {
  const { effect, outside } = consequenceOf(annotations);
  const chips = [h("span", { class: `effect ${effect}` }, CHIPS[effect]), outside ? h("span", { class: "effect outside" }, "Reaches outside") : null];
  const source = effect === "unknown" ? `${server} does not say what this tool does.` : `according to ${server}`;
  return h("p", { class: "consequence" }, chips, h("span", { class: "consequence-source" }, source), h("code", { class: "consequence-tool" }, tool));
}
