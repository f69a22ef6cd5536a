/** How long ago something was, as groups of a list. */

import { locale, t } from "../ui/texts.js";

const DAY_MS = 86_400_000;

/** Return the name of the group that a moment belongs to, in seconds since the epoch. */
export function dateGroup(seconds, now = new Date()) {
  const date = new Date(seconds * 1000);
  const days = Math.round((midnight(now) - midnight(date)) / DAY_MS);
  if (days <= 0) return t("Today");
  if (days === 1) return t("Yesterday");
  if (days <= 7) return t("Previous 7 days");
  if (days <= 30) return t("Previous 30 days");
  return new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" }).format(date);
}

function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
