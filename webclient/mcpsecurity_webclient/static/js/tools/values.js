/** Values of JSON for reading: scalars as text, objects and lists as tables, deeper levels as JSON. */

import { isNumber, writeExact } from "../protocol/exact.js";
import { h } from "../ui/dom.js";
import { t, tn } from "../ui/texts.js";
import { Records } from "./records.js";

const MAX_ITEMS = 200;

/**
 * Return an element for any JSON value.
 * @param {any} value
 * @param {{depth?: number, name?: string}} options  `name`: what a table is called
 */
export function valueView(value, { depth = 0, name = "" } = {}) {
  if (value === null || value === undefined) return h("span", { class: "muted" }, t("none"));
  if (isNumber(value)) return h("span", { class: "value number" }, String(value));
  if (typeof value !== "object") return h("span", { class: `value ${typeof value}`, dir: "auto" }, scalar(value));
  if (depth > 1) return h("code", { class: "value" }, writeExact(value));
  if (Array.isArray(value)) return listView(value, depth, name);
  return objectView(value, depth, name);
}

/** Return a name for people: `wind_speed` is "wind speed". */
export function readable(name) {
  return name.replaceAll("_", " ");
}

/** An object's members are a table; lists of records stand below it, each as a table of its own. */
function objectView(value, depth, name) {
  const entries = Object.entries(value);
  if (entries.length === 0) return h("span", { class: "muted" }, t("empty"));
  const isTable = ([, member]) => depth === 0 && Array.isArray(member) && member.length > 0 && member.every(isRecord);
  const plain = entries.filter((entry) => !isTable(entry));
  const tables = entries.filter(isTable).map(([name, member]) =>
    h("div", { class: "named-table" }, h("p", { class: "table-name", dir: "auto" }, readable(name)), listView(member, depth, readable(name))));
  if (tables.length === 0) return pairs(plain, depth, name);
  return h("div", { class: "values-view" }, plain.length > 0 ? pairs(plain, depth, name) : null, tables);
}

function pairs(entries, depth, name) {
  const rows = entries.map(([name, member]) =>
    h("tr", {}, h("th", { scope: "row", dir: "auto" }, readable(name)), h("td", {}, valueView(member, { depth: depth + 1, name: readable(name) }))));
  return h("table", { class: "pairs", "aria-label": name || null }, h("tbody", {}, rows));
}

function listView(list, depth, name) {
  if (list.length === 0) return h("span", { class: "muted" }, t("none"));
  if (list.every(isRecord)) return new Records(list, name || t("Records"), (value) => valueView(value, { depth: 2 })).element;
  if (list.every((item) => isNumber(item) || typeof item !== "object")) return h("span", { class: "value", dir: "auto" }, list.map(scalar).join(", "));
  const items = list.slice(0, MAX_ITEMS).map((item) => h("li", {}, valueView(item, { depth: depth + 1 })));
  const left = list.length - items.length;
  return h("ol", { class: "values" }, items, left > 0 ? h("li", { class: "muted" }, tn("and {count} more", "and {count} more", left)) : null);
}

function scalar(value) {
  return typeof value === "boolean" ? (value ? t("yes") : t("no")) : String(value);
}

function isRecord(item) {
  return typeof item === "object" && item !== null && !Array.isArray(item) && !isNumber(item);
}
