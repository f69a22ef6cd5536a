/**
 * Checks the text of a field: `check(field, raw)` returns {value}, {absent: true} for a blank field that may be
 * blank, or {error}. The server checks everything again; this is here so that a person hears of it at once.
 */

import { exactNumber, isLess, readExact } from "../protocol/exact.js";
import { t, tn } from "../ui/texts.js";

const MAX_DIGITS = 4300; // more are no integer for the server

export function check(field, raw) {
  const checked = CHECKS[field.kind](field, raw);
  return checked.absent && field.required ? { error: missing(field.kind) } : checked;
}

function missing(kind) {
  const words = {
    text: t("Enter a value."), email: t("Enter an e-mail address."), uri: t("Enter an address."), date: t("Enter a date."),
    "date-time": t("Enter a date and a time."), number: t("Enter a number."), integer: t("Enter a whole number."),
    boolean: t("Choose yes or no."), choice: t("Choose one."), choices: t("Choose at least one."),
    lines: t("Enter at least one, one a line."), json: t("Enter a value."),
  };
  return words[kind];
}

const CHECKS = {
  text: (field, raw) => (raw === "" ? { absent: true } : lengths(field, raw)),
  email: (field, raw) => formatted(field, raw, isEmail, t("Enter an e-mail address, like name@example.com.")),
  uri: (field, raw) => formatted(field, raw, isUri, t("Enter a full address, like https://example.com.")),
  date: (field, raw) => formatted(field, raw, isDate, t("Enter a date, like 2026-01-31.")),
  "date-time": (field, raw) => dateTime(raw),
  number: (field, raw) => number(field, raw, false),
  integer: (field, raw) => number(field, raw, true),
  boolean: (field, raw) => (raw === null ? { absent: true } : { value: raw }),
  choice: (field, raw) => (raw === null ? { absent: true } : { value: field.options[raw].value }),
  choices: (field, raw) => items(field, raw),
  lines: (field, raw) => lines(field, raw),
  json: (field, raw) => json(raw),
};

function lengths({ minLength, maxLength }, text) {
  const length = [...text].length;
  if (minLength !== undefined && length < minLength) return { error: tn("Enter at least {count} character.", "Enter at least {count} characters.", minLength) };
  if (maxLength !== undefined && length > maxLength) return { error: tn("Enter at most {count} character; these are {length}.", "Enter at most {count} characters; these are {length}.", maxLength, { length }) };
  return { value: text };
}

function formatted(field, raw, isGood, message) {
  const text = raw.trim();
  if (text === "") return { absent: true };
  return isGood(text) ? lengths(field, text) : { error: message };
}

function dateTime({ text, incomplete, value }) {
  if (incomplete) return { error: t("Enter both the date and the time.") };
  return text === "" ? { absent: true } : { value };
}

function number(field, { text, incomplete }, whole) {
  if (incomplete) return { error: whole ? t("Enter a whole number.") : t("Enter a number.") };
  if (text === "") return { absent: true };
  const value = typed(plain(text), whole);
  if (Math.abs(Number(value)) === Infinity) return { error: t("This number is too large.") };
  if (value === null) return { error: whole ? t("Enter a whole number.") : t("Enter a number.") };
  if (String(value).length > MAX_DIGITS) return { error: t("This number is too large.") };
  return range(field, value);
}

/** Return a number with ASCII digits, and a point in the place of a decimal comma; 1,234 may be another number, and stays. */
function plain(text) {
  const digits = text.normalize("NFKC").trim();
  return /^[+-]?(0,\d+|\d+,(\d{1,2}|\d{4,}))$/.test(digits) ? digits.replace(",", ".") : digits;
}

/** Return the number that was typed, with all its digits, or null. */
function typed(text, whole) {
  const digits = /^([+-]?)0*(\d+)$/.exec(text);
  if (digits) return exactNumber((digits[1] === "-" && digits[2] !== "0" ? "-" : "") + digits[2]);
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) return null;
  if (!Number.isFinite(value)) return value;
  if (whole) return Number.isSafeInteger(value) ? value : null;
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text) ? exactNumber(text) : value;
}

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }, value) {
  if (exclusiveMinimum !== undefined && !isLess(exclusiveMinimum, value)) return { error: t("Must be more than {limit}.", { limit: String(exclusiveMinimum) }) };
  if (exclusiveMaximum !== undefined && !isLess(value, exclusiveMaximum)) return { error: t("Must be less than {limit}.", { limit: String(exclusiveMaximum) }) };
  if (minimum !== undefined && isLess(value, minimum)) return { error: t("Must be {limit} or more.", { limit: String(minimum) }) };
  if (maximum !== undefined && isLess(maximum, value)) return { error: t("Must be {limit} or less.", { limit: String(maximum) }) };
  return { value };
}

function items({ options, required, minItems, maxItems }, chosen) {
  if (chosen.length === 0 && !required) return { absent: true };
  const least = Math.max(minItems ?? 0, 0);
  if (chosen.length < least) return { error: least === 1 ? missing("choices") : t("Choose at least {limit}.", { limit: least }) };
  if (maxItems !== undefined && chosen.length > maxItems) return { error: t("Choose at most {limit}.", { limit: String(maxItems) }) };
  return { value: chosen.map((index) => options[index].value) };
}

function lines({ minItems, maxItems }, raw) {
  const value = raw.split("\n").map((line) => line.trim()).filter(Boolean);
  if (value.length === 0 && !minItems) return { absent: true };
  if (value.length < (minItems ?? 0)) return { error: t("Enter at least {limit}, one a line.", { limit: String(minItems) }) };
  if (maxItems !== undefined && value.length > maxItems) return { error: t("Enter at most {limit}, one a line.", { limit: String(maxItems) }) };
  return { value };
}

function json(raw) {
  if (raw.trim() === "") return { absent: true };
  try {
    return { value: readExact(raw) };
  } catch {
    return { error: t("This is not valid JSON.") };
  }
}

function isEmail(text) {
  return /^[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+$/.test(text);
}

function isUri(text) {
  return URL.canParse(text) && /^[a-z][a-z0-9+.-]*:/i.test(text);
}

function isDate(text) {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true;
}
