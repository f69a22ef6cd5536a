/** A field's limits in words, shown before anybody is told that a value does not fit. */

const NOBODY_REACHES = 10 ** 12;

/** Return the words for a field's limits; "" if it has none. */
export function limitWords(field) {
  const words = { number: range, integer: range, choices: picks, lines: picks, text: lengths, email: lengths, uri: lengths }[field.kind];
  return words ? words(field) : "";
}

function range(field) {
  const [minimum, maximum, exclusiveMinimum, exclusiveMaximum] =
    [field.minimum, field.maximum, field.exclusiveMinimum, field.exclusiveMaximum].map((limit) => (Math.abs(Number(limit)) < NOBODY_REACHES ? limit : undefined));
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  const least = exclusiveMinimum !== undefined ? `more than ${exclusiveMinimum}` : minimum !== undefined ? `${minimum} or more` : "";
  const most = exclusiveMaximum !== undefined ? `less than ${exclusiveMaximum}` : maximum !== undefined ? `${maximum} or less` : "";
  return [least, most].filter(Boolean).join(", ");
}

function picks({ minItems = 0, maxItems }) {
  if (maxItems !== undefined && minItems > 0) return minItems === maxItems ? `choose ${minItems}` : `choose ${minItems} to ${maxItems}`;
  if (maxItems !== undefined) return `at most ${maxItems}`;
  return minItems > 0 ? `at least ${minItems}` : "";
}

function lengths({ minLength = 0, maxLength }) {
  if (maxLength !== undefined && minLength > 0) return `${minLength} to ${maxLength} characters`;
  if (maxLength !== undefined) return `at most ${maxLength} characters`;
  return minLength > 1 ? `at least ${minLength} characters` : "";
}
