/** A field's limits in words, shown before anybody is told that a value does not fit. */

import { t, tn } from "../ui/texts.js";

const NOBODY_REACHES = 10 ** 12;

/** Return the words for a field's limits; "" if it has none. */
export function limitWords(field) {
  const words = { number: range, integer: range, choices: picks, lines: picks, text: lengths, email: lengths, uri: lengths }[field.kind];
  return words ? words(field) : "";
}

function range(field) {
  const [minimum, maximum, exclusiveMinimum, exclusiveMaximum] =
    [field.minimum, field.maximum, field.exclusiveMinimum, field.exclusiveMaximum].map((limit) => (Math.abs(Number(limit)) < NOBODY_REACHES ? limit : undefined));
  if (minimum !== undefined && maximum !== undefined) return t("{least} to {most}", { least: String(minimum), most: String(maximum) });
  const least = exclusiveMinimum !== undefined ? t("more than {limit}", { limit: String(exclusiveMinimum) }) : minimum !== undefined ? t("{limit} or more", { limit: String(minimum) }) : "";
  const most = exclusiveMaximum !== undefined ? t("less than {limit}", { limit: String(exclusiveMaximum) }) : maximum !== undefined ? t("{limit} or less", { limit: String(maximum) }) : "";
  return [least, most].filter(Boolean).join(", ");
}

function picks({ minItems = 0, maxItems }) {
  if (maxItems !== undefined && minItems > 0) return minItems === maxItems ? t("choose {count}", { count: minItems }) : t("choose {least} to {most}", { least: minItems, most: maxItems });
  if (maxItems !== undefined) return t("at most {count}", { count: maxItems });
  return minItems > 0 ? t("at least {count}", { count: minItems }) : "";
}

function lengths({ minLength = 0, maxLength }) {
  if (maxLength !== undefined && minLength > 0) return t("{least} to {most} characters", { least: minLength, most: maxLength });
  if (maxLength !== undefined) return tn("at most {count} character", "at most {count} characters", maxLength);
  return minLength > 1 ? tn("at least {count} character", "at least {count} characters", minLength) : "";
}
