/** Records as CSV (RFC 4180), for spreadsheets. */

import { isNumber, writeExact } from "../protocol/exact.js";

const FORMULA = /^[=+\-@\t\r]/;

/** Return records as CSV with a header. A text that a spreadsheet would run as a formula begins with an apostrophe. */
export function toCsv(columns, records) {
  const lines = [columns, ...records.map((record) => columns.map((column) => record[column]))];
  return lines.map((cells) => cells.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Offer a text as a file to keep. */
export function download(text, name, type) {
  const url = URL.createObjectURL(new Blob(["\uFEFF", text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 0);
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (isNumber(value)) return String(value);
  const text = typeof value === "object" ? writeExact(value) : String(value);
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
