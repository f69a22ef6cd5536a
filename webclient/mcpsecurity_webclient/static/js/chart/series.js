/**
 * Finds a daily series of temperatures in a tool's structured result. It knows no tool: a list of objects that have a
 * date and a temperature is enough, and so are the parallel lists that weather services answer with.
 *
 * Returns {title, now, days} with days of {date, low, high, rain, words}; numbers are null where unknown.
 */

const MIN_DAYS = 2;
const MAX_DAYS = 16;
const DATE = /^\d{4}-\d{2}-\d{2}(?!\d)/;

/** Return the series in a structured result, or null. */
export function dailySeries(structured) {
  if (!isRecord(structured)) return null;
  const found = search(structured, 0);
  return found && { title: titleOf(structured), now: nowOf(structured), days: found.slice(0, MAX_DAYS) };
}

function search(node, depth) {
  const days = Array.isArray(node) ? fromRecords(node) : isRecord(node) ? fromColumns(node) : null;
  if (days) return days;
  if (depth > 3 || typeof node !== "object" || node === null) return null;
  for (const child of Object.values(node)) {
    const inside = search(child, depth + 1);
    if (inside) return inside;
  }
  return null;
}

function fromRecords(list) {
  if (list.length < MIN_DAYS || !list.every(isRecord)) return null;
  const days = list.map(dayOf);
  return days.every((day) => day.date && (day.high !== null || day.low !== null)) ? days : null;
}

function fromColumns(record) {
  const dates = Object.values(record).find((value) => Array.isArray(value) && value.length >= MIN_DAYS && value.every(isDate));
  if (!dates) return null;
  const columns = Object.entries(record).filter(([, value]) => Array.isArray(value) && value.length === dates.length);
  return fromRecords(dates.map((_, index) => Object.fromEntries(columns.map(([name, values]) => [name, values[index]]))));
}

function dayOf(record) {
  const entries = Object.entries(record);
  const date = entries.find(([, value]) => isDate(value))?.[1].slice(0, 10) ?? null;
  const temperatures = entries.filter(([name]) => /temp/i.test(name) && !/apparent|unit/i.test(name));
  const low = number(temperatures, /min|low/i);
  const high = number(temperatures, /max|high/i) ?? number(temperatures.filter(([name]) => !/min|low/i.test(name)), /./);
  const rain = number(entries.filter(([name]) => !/prob|hours/i.test(name)), /precip|rain/i);
  const words = entries.find(([name, value]) => /condition|weather|summary|description/i.test(name) && typeof value === "string")?.[1] ?? "";
  return { date, low, high, rain, words };
}

function number(entries, pattern) {
  return entries.find(([name, value]) => pattern.test(name) && Number.isFinite(value))?.[1] ?? null;
}

function titleOf(record) {
  const name = ["place", "city", "destination", "location", "name"].find((key) => typeof record[key] === "string");
  return name ? record[name] : "";
}

function nowOf(record) {
  const temperature = Number.isFinite(record.temperature) ? record.temperature : null;
  const words = typeof record.condition === "string" ? record.condition : "";
  return temperature === null ? null : { temperature, words };
}

function isDate(value) {
  return typeof value === "string" && DATE.test(value);
}

function isRecord(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Return a rounded temperature with a real minus sign, and never a minus zero. */
export function degrees(value) {
  const rounded = Math.round(value);
  return `${rounded < 0 ? "−" : ""}${Math.abs(rounded)}°`;
}
