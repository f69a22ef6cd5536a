/** The time of a message, shown on request. */

import { h } from "../ui/dom.js";
import { locale } from "../ui/texts.js";

// Made once: a formatter costs as much as all the rest of a message.
const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" });
const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" });

/** Return an element with the time of day; the date is its tooltip. */
export function moment(seconds) {
  const date = new Date(seconds * 1000);
  return h("time", { datetime: date.toISOString(), title: whole.format(date) }, time.format(date));
}
