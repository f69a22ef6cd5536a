/** Moments between RFC 3339, which schemas want, and `datetime-local`, which has no offset. */

/** Return a local date and time of the browser's time zone as RFC 3339 with the offset of that day. */
export function toRfc3339(local) {
  const moment = new Date(local);
  const seconds = /T\d{2}:\d{2}$/.test(local) ? ":00" : "";
  return `${local}${seconds}${offset(moment)}`;
}

/** Return the local date and time of an RFC 3339 moment, or "" if it is not one. */
export function toLocal(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) return "";
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000);
  return local.toISOString().slice(0, 19);
}

/** Return the name of the browser's time zone. */
export function timeZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone ?? "local time";
}

function offset(moment) {
  const minutes = -moment.getTimezoneOffset();
  const sign = minutes < 0 ? "-" : "+";
  const pad = (number) => String(number).padStart(2, "0");
  return `${sign}${pad(Math.floor(Math.abs(minutes) / 60))}:${pad(Math.abs(minutes) % 60)}`;
}
