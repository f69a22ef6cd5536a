/** A call's arguments as a table, with the JSON that is really sent behind a toggle. */

import { h, uniqueId } from "../ui/dom.js";
import { writeExact } from "../protocol/exact.js";
import { button } from "../ui/button.js";
import { valueView } from "./values.js";

export function argumentsView(values) {
  const names = Object.keys(values ?? {});
  if (names.length === 0) return h("p", { class: "muted" }, "No arguments.");
  const raw = h("pre", { class: "raw", id: uniqueId("raw"), hidden: true, tabindex: "0" }, writeExact(values, 2));
  const table = h("table", { class: "pairs" }, h("caption", { class: "hidden-text" }, "Arguments"),
    h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, valueView(values[name]))))));
  const toggle = button("Raw JSON", show, { kind: "link", "aria-expanded": "false", "aria-controls": raw.id });

  function show() {
    raw.hidden = !raw.hidden;
    table.hidden = !raw.hidden;
    toggle.setAttribute("aria-expanded", String(!raw.hidden));
  }

  return h("div", { class: "arguments" }, table, raw, toggle);
}
