/**
 * Finds numbers that are worth a drawing in a tool's structured result: a list of records with a date, a time or a year
 * and numbers beside it (a line), or with a name and one number (bars). It knows no tool.
 *
 * Returns {kind: "line"|"bars", along, labels, series} with series of {name, values}; values are null where unknown.
 */

const LEAST = 3;
const MOST = 400;
const MOST_BARS = 16;
const MOST_SERIES = 3;
const MOMENT = /^\d{4}-\d{2}(-\d{2})?([T ]\d{2}:\d{2}.*)?$/;
const ORDER = /^(year|month|day|hour|week|step|time|date|timestamp)s?$/i;
const NO_MEASURE = /(^|_)(id|lat|latitude|lon|lng|longitude|code|index|zip|port)$|^(id|index)$/i;
const ALIKE = 30;

/** Return the numbers in a structured result, or null. */
export function numbersIn(structured) {
  return isRecord(structured) || Array.isArray(structured) ? search(structured, 0) : null;
}

function search(node, depth) {
  const found = Array.isArray(node) ? fromRecords(node) : isRecord(node) ? fromColumns(node) : null;
  if (found || depth > 3) return found;
  const children = Object.values(node).filter((child) => typeof child === "object" && child !== null);
  return children.reduce((earlier, child) => earlier ?? search(child, depth + 1), null);
}

function fromRecords(list) {
  if (list.length < LEAST || list.length > MOST || !list.every(isRecord)) return null;
  const names = [...new Set(list.flatMap(Object.keys))];
  const column = (name) => list.map((record) => record[name] ?? null);
  const along = names.find((name) => isOrder(name, column(name)));
  const measures = names.filter((name) => name !== along && isMeasure(name, column(name)));
  if (along && measures.length > 0) return line(along, column(along), measures.map((name) => ({ name, values: column(name) })));
  const label = names.find((name) => column(name).every((value) => typeof value === "string" && value.length <= 24));
  if (!label || measures.length !== 1 || list.length > MOST_BARS) return null;
  return { kind: "bars", along: label, labels: column(label), series: [{ name: measures[0], values: column(measures[0]) }] };
}

/** Weather services and databases answer with parallel lists. */
function fromColumns(record) {
  const lists = Object.entries(record).filter(([, value]) => Array.isArray(value));
  const along = lists.find(([name, value]) => value.length >= LEAST && isOrder(name, value));
  if (!along) return null;
  const beside = lists.filter(([, value]) => value.length === along[1].length);
  return fromRecords(along[1].map((_, index) => Object.fromEntries(beside.map(([name, values]) => [name, values[index]]))));
}

/** Numbers of very different size would flatten each other: only those like the first are drawn with it. */
function line(along, labels, all) {
  const size = ({ values }) => Math.max(...values.filter((value) => value !== null).map(Math.abs));
  const first = size(all[0]) || 1;
  const alike = all.filter((series) => size(series) / first < ALIKE && first / (size(series) || first) < ALIKE);
  return { kind: "line", along, labels: labels.map(String), series: alike.slice(0, MOST_SERIES) };
}

function isOrder(name, values) {
  if (values.every((value) => typeof value === "string" && MOMENT.test(value))) return true;
  return ORDER.test(name) && values.every((value) => Number.isFinite(value));
}

function isMeasure(name, values) {
  const known = values.filter((value) => value !== null);
  return !NO_MEASURE.test(name) && !ORDER.test(name) && known.length >= LEAST && known.every((value) => Number.isFinite(value));
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
