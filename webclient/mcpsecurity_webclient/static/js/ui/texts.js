/**
 * The page's texts in the language of the person. English sentences are the keys; the server brings the catalogue of
 * another language as a script before the page's own (docs/contributing.md, "A text").
 */

const language = document.documentElement.lang || "en";
const plural = new Intl.PluralRules(language);

/**
 * For numbers and dates: the browser's own variant of the language, such as de-CH, if it has one.
 * @type {string}
 */
export const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

/**
 * Return a text in the person's language, with `{name}` replaced by `values.name`.
 * @param {string} text  in English
 * @param {Record<string, string|number>} [values]
 * @returns {string}
 */
export function t(text, values = {}) {
  const found = catalogue()[text];
  return filled(typeof found === "string" ? found : text, values);
}

/**
 * Return the form of a text for `count`, which stands in it as `{count}`.
 * @param {string} one  in English, for 1
 * @param {string} many  in English
 * @param {number} count
 * @param {Record<string, string|number>} [values]
 * @returns {string}
 */
export function tn(one, many, count, values = {}) {
  const forms = catalogue()[one];
  const known = Array.isArray(forms) ? forms : count === 1 ? [one, one] : [many, many];
  return filled(plural.select(count) === "one" ? known[0] : known[1], { count: number(count), ...values });
}

/** @type {Record<number, Intl.NumberFormat>} by the decimals: one costs more than the text around it */
const formats = {};
/** @type {Intl.NumberFormat | undefined} */
let parts;

/** Return a number as people write it, with at most `digits` decimals. */
export function number(value, digits = 3) {
  formats[digits] ??= new Intl.NumberFormat(locale, { maximumFractionDigits: digits });
  return formats[digits].format(value);
}

/** Return a share, such as 0.4, as people write it: 40%, 40 %. */
export function percent(share) {
  parts ??= new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  return parts.format(share);
}

/**
 * Return several texts as a list: "a, b and c".
 * @param {string[]} items
 */
export function list(items) {
  return new Intl.ListFormat(language, { type: "conjunction" }).format(items);
}

/** @returns {Record<string, string|string[]>} */
function catalogue() {
  return /** @type {any} */ (globalThis).pageTexts ?? {};
}

function filled(text, values) {
  return text.replaceAll(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
