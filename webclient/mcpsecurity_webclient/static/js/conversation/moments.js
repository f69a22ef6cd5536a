/** When a message was written, for those who look for it. */

import { h } from "../ui/dom.js";
import { locale } from "../ui/texts.js";

/** Return an element with the time of day; the date is its tooltip. */
export function moment(seconds) {
  const date = new Date(seconds * 1000);
  const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }).format(date);
  const words = new Intl.DateTimeFormat(locale, { timeStyle: "short" }).format(date);
  return h("time", { datetime: date.toISOString(), title: whole }, words);
}
