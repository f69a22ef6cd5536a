/** A call's arguments as a table, with the JSON that is really sent behind a toggle. */

import { h, uniqueId } from "../ui/dom.js";
import { same, writeExact } from "../protocol/exact.js";
import { button } from "../ui/button.js";
import { copyButton } from "../ui/copy.js";
import { t } from "../ui/texts.js";
import { effective } from "./effective.js";
import { valueView } from "./values.js";

/**
 * @param {any} values  the arguments that are sent
 * @param {any} schema  the tool's input schema; its defaults are shown, in grey
 * @param {(words: string) => void} announce
 * @param {{proposed?: any, caption?: string, tools?: Element[]}} options  `proposed`: what the model proposed, to mark what
 *   was changed; `tools`: buttons to stand beside the table's own
 */
export function argumentsView(values, schema, announce, { proposed, caption = t("Arguments"), tools = [] } = {}) {
  const rows = effective(values, schema);
  if (rows.length === 0) return h("p", { class: "muted" }, t("This tool takes no arguments."));
  const raw = h("pre", { class: "raw", id: uniqueId("raw"), hidden: true, tabindex: "0" }, writeExact(values ?? {}, 2));
  const table = h("table", { class: "pairs" }, h("caption", { class: "hidden-text" }, caption),
    h("tbody", {}, rows.map((row) => argumentRow(row, proposed))));
  const toggle = button(t("Raw JSON"), show, { kind: "link", "aria-expanded": "false", "aria-controls": raw.id });

  const copy = copyButton(t("Copy arguments"), () => writeExact(values ?? {}, 2), announce);

  function show() {
    raw.hidden = !raw.hidden;
    table.hidden = !raw.hidden;
    toggle.setAttribute("aria-expanded", String(!raw.hidden));
  }

  return h("div", { class: "arguments" }, table, raw, h("div", { class: "arguments-tools" }, tools, toggle, copy));
}

function argumentRow({ name, value, source }, proposed) {
  const note = { given: isChanged(name, value, proposed) ? t("(changed)") : "", default: t("(default)"), absent: "" }[source];
  const shown = source === "absent" ? h("span", { class: "muted" }, t("not given")) : valueView(value);
  return h("tr", { class: source }, h("th", { scope: "row", dir: "auto" }, name), h("td", {}, shown, note ? h("span", { class: "argument-note" }, ` ${note}`) : null));
}

function isChanged(name, value, proposed) {
  return Boolean(proposed) && (!Object.hasOwn(proposed, name) || !same(proposed[name], value));
}
