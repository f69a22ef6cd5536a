/** A set of labelled fields. Errors stand at their fields, and the first of them gets the focus. */

import { h, uniqueId } from "../ui/dom.js";
import { writeExact } from "../protocol/exact.js";
import { check } from "./check.js";
import { control } from "./controls.js";

export class Form {
  /** @param {Array} fields  see fields.js */
  constructor(fields) {
    this._rows = fields.map((field) => row(field));
    this._initial = JSON.stringify(this._raw());
    this.element = h("div", { class: "fields" }, this._rows.map(({ element }) => element));
  }

  /** Whether anything was changed since the form was made. */
  get touched() {
    return JSON.stringify(this._raw()) !== this._initial;
  }

  /**
   * Return the values by name, without blank fields; or null, and show what is wrong. An argument of the model that
   * nobody touched is returned as it was given, whatever its field made of it.
   */
  read() {
    const checked = this._rows.map((line) => [line.field.name, line.isAsGiven() ? { value: line.field.value } : check(line.field, line.read())]);
    const errors = Object.fromEntries(checked.filter(([, { error }]) => error).map(([name, { error }]) => [name, error]));
    this.showErrors(errors);
    if (Object.keys(errors).length > 0) return null;
    return Object.fromEntries(checked.filter(([, { absent }]) => !absent).map(([name, { value }]) => [name, value]));
  }

  /** Show errors by field name, clear the others, focus the first. Returns the errors that no field is there for. */
  showErrors(errors) {
    let first = null;
    for (const line of this._rows) {
      line.setError(errors[line.field.name] ?? "");
      if (errors[line.field.name]) first ??= line;
    }
    first?.focus();
    const names = new Set(this._rows.map(({ field }) => field.name));
    return Object.entries(errors).filter(([name]) => !names.has(name)).map(([name, error]) => `${name}: ${error}`);
  }

  focus() {
    this._rows[0]?.focus();
  }

  _raw() {
    return this._rows.map(({ read }) => read());
  }
}

function row(field) {
  const made = control(field);
  const id = uniqueId("field");
  const { target } = made;
  const part = (kind, text) => (text ? h("p", { class: `field-${kind}`, id: `${id}-${kind}` }, text) : null);
  const help = part("description", field.description);
  const note = part("note", noteOf(field));
  const error = h("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const label = h(made.grouped ? "span" : "label", { class: "label", id: `${id}-label`, for: made.grouped ? null : id }, field.label);
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
  return { field, element, read: made.read, isAsGiven, setError, focus: () => (made.focus ?? target).focus() };
}

function isWide({ kind, maxLength, options }) {
  return ["choices", "json"].includes(kind) || maxLength > 200 || options.some(({ label }) => label.length > 32);
}

function describe(target, parts) {
  const ids = parts.filter(Boolean).map((part) => part.id);
  if (ids.length > 0) target.setAttribute("aria-describedby", ids.join(" "));
  else target.removeAttribute("aria-describedby");
}

function noteOf({ required, kind, minItems, fallback }) {
  if (!required) return fallback === undefined || fallback === null ? "optional" : `optional, ${shortly(fallback)} if left out`;
  return kind === "choices" && minItems > 1 ? `at least ${minItems}` : "";
}

function shortly(value) {
  const text = writeExact(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
