/** One labelled field: its control, its limits, the server's description, and the error of the typed value. */

import { h, uniqueId } from "../ui/dom.js";
import { writeExact } from "../protocol/exact.js";
import { t } from "../ui/texts.js";
import { control } from "./controls.js";
import { limitWords } from "./limits.js";

/** @param {any} field  see fields.js */
export function row(field) {
  const made = control(field);
  const id = uniqueId("field");
  const { target } = made;
  const part = (kind, text) => (text ? h("p", { class: `field-${kind}`, dir: "auto", id: `${id}-${kind}` }, text) : null);
  const help = part("description", field.description);
  const note = part("note", noteOf(field));
  const error = h("p", { class: "field-error", dir: "auto", id: `${id}-error`, hidden: true });
  const label = h(made.grouped ? "span" : "label", { class: "label", dir: "auto", id: `${id}-label`, for: made.grouped ? null : id }, field.label);
  target.id = id;
  if (made.grouped) target.setAttribute("aria-labelledby", label.id);
  else if (field.required && !made.inline) target.setAttribute("aria-required", "true");

  function setError(message) {
    error.textContent = message;
    error.hidden = !message;
    element.classList.toggle("wrong", Boolean(message));
    if (!made.grouped) target.setAttribute("aria-invalid", String(Boolean(message)));
    describe(target, [message ? error : null, help, note]);
  }

  const head = h("div", { class: "field-head" }, made.inline ? made.element : null, label, note);
  const element = h("div", { class: `field${isWide(field) ? " wide" : ""}` }, head, made.inline ? null : made.element, help, error);
  setError("");
  const begun = JSON.stringify(made.read());
  const isAsGiven = () => field.given === true && JSON.stringify(made.read()) === begun;
  return { field, element, read: made.read, isAsGiven, setError, wrong: () => !error.hidden, focus: () => (made.focus ?? target).focus() };
}

function isWide({ kind, maxLength, options }) {
  return ["choices", "json"].includes(kind) || maxLength > 200 || options.some(({ label }) => label.length > 32);
}

function describe(target, parts) {
  const ids = parts.filter(Boolean).map((part) => part.id);
  if (ids.length > 0) target.setAttribute("aria-describedby", ids.join(" "));
  else target.removeAttribute("aria-describedby");
}

function noteOf(field) {
  return [optional(field), limitWords(field)].filter(Boolean).join(" · ");
}

function optional({ required, fallback }) {
  if (required) return "";
  return fallback === undefined || fallback === null ? t("optional") : t("optional, {value} if left out", { value: shortly(fallback) });
}

function shortly(value) {
  const text = writeExact(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
