/** Values of JSON for reading: scalars as text, objects and lists as tables, what is nested deeper as JSON. */

import { isNumber, writeExact } from "../protocol/exact.js";
import { h } from "../ui/dom.js";

const MAX_ROWS = 50;

/** Return an element for any JSON value. */
export function valueView(value, depth = 0) {
  if (value === null || value === undefined) return h("span", { class: "muted" }, "none");
  if (isNumber(value)) return h("span", { class: "value number" }, scalar(value));
  if (typeof value !== "object") return h("span", { class: `value ${typeof value}` }, scalar(value));
  if (depth > 1) return h("code", { class: "value" }, writeExact(value));
  if (Array.isArray(value)) return listView(value, depth);
  return pairsView(value, depth);
}

/** Return a table of an object's members. */
export function pairsView(value, depth = 0) {
  const entries = Object.entries(value);
  if (entries.length === 0) return h("span", { class: "muted" }, "empty");
  const rows = entries.map(([name, member]) => h("tr", {}, h("th", { scope: "row" }, readable(name)), h("td", {}, valueView(member, depth + 1))));
  return h("table", { class: "pairs" }, h("tbody", {}, rows));
}

/** Return a name for people: `wind_speed` is "wind speed". */
export function readable(name) {
  return name.replaceAll("_", " ");
}

function listView(list, depth) {
  if (list.length === 0) return h("span", { class: "muted" }, "none");
  if (list.every(isRecord)) return recordsView(list);
  if (list.every((item) => isNumber(item) || typeof item !== "object")) return h("span", { class: "value" }, list.map(scalar).join(", "));
  return h("ol", { class: "values" }, list.slice(0, MAX_ROWS).map((item) => h("li", {}, valueView(item, depth + 1))), more(list));
}

function recordsView(records) {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const head = h("tr", {}, columns.map((column) => h("th", { scope: "col" }, readable(column))));
  const rows = records.slice(0, MAX_ROWS).map((record) =>
    h("tr", {}, columns.map((column) => h("td", {}, valueView(record[column], 2)))));
  const table = h("table", { class: "records" }, h("thead", {}, head), h("tbody", {}, rows));
  return h("div", { class: "scrolling", tabindex: "0", role: "group", "aria-label": "Table" }, table, more(records));
}

function more(list) {
  return list.length > MAX_ROWS ? h("p", { class: "muted" }, `and ${list.length - MAX_ROWS} more`) : null;
}

function scalar(value) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

function isRecord(item) {
  return typeof item === "object" && item !== null && !Array.isArray(item) && !isNumber(item);
}
