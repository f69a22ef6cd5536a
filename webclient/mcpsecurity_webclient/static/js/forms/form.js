/** A set of labelled fields. Errors stand at their fields until they are corrected, and the first of them gets the focus. */

import { h, setText } from "../ui/dom.js";
import { tn } from "../ui/texts.js";
import { check } from "./check.js";
import { row } from "./row.js";

export class Form {
  /** @param {Array} fields  see fields.js */
  constructor(fields) {
    this._rows = fields.map((field) => row(field));
    this._initial = JSON.stringify(this._raw());
    this._summary = h("p", { class: "form-summary", role: "alert", hidden: true });
    this.element = h("div", { class: "fields" }, this._summary, this._rows.map(({ element }) => element));
    this.element.addEventListener("input", () => this._recheck());
  }

  /** Whether anything was changed since the form was made. */
  get touched() {
    return JSON.stringify(this._raw()) !== this._initial;
  }

  /**
   * Return the values by name, without blank fields; or null, and show the errors. An argument of the model that
   * the person did not edit is returned as it was given, even if its field shows it in another form.
   */
  read() {
    const checked = this._checked();
    const errors = Object.fromEntries(checked.filter(([, { error }]) => error).map(([name, { error }]) => [name, error]));
    this.showErrors(errors);
    return Object.keys(errors).length > 0 ? null : valuesOf(checked);
  }

  /** Return what `read` would, without showing anything. */
  peek() {
    const checked = this._checked();
    return checked.some(([, { error }]) => error) ? null : valuesOf(checked);
  }

  /** Show errors by field name, clear the others, focus the first. Returns the errors that no field is there for. */
  showErrors(errors) {
    let first = null;
    for (const line of this._rows) {
      line.setError(errors[line.field.name] ?? "");
      if (errors[line.field.name]) first ??= line;
    }
    this._summarize();
    first?.focus();
    const names = new Set(this._rows.map(({ field }) => field.name));
    return Object.entries(errors).filter(([name]) => !names.has(name)).map(([name, error]) => `${name}: ${error}`);
  }

  focus() {
    this._rows[0]?.focus();
  }

  /** Return the contents of the controls, to `fill` a form of the same fields with. */
  typed() {
    return this._rows.map(({ element }) => controlsIn(element).map((control) => (isBox(control) ? control.checked : control.value)));
  }

  /** Put what `typed` returned into the controls. Values that do not fit these fields are left out. */
  fill(typed) {
    this._rows.forEach(({ element }, index) => {
      const controls = controlsIn(element);
      const values = typed?.[index];
      if (!Array.isArray(values) || values.length !== controls.length) return;
      controls.forEach((control, place) => {
        if (isBox(control)) control.checked = values[place] === true;
        else control.value = String(values[place]);
      });
    });
  }

  _checked() {
    return this._rows.map((line) => [line.field.name, line.isAsGiven() ? { value: line.field.value } : check(line.field, line.read())]);
  }

  /** An error goes as soon as it is not true any more; a new one waits until the form is sent. */
  _recheck() {
    for (const line of this._rows.filter(({ wrong }) => wrong())) line.setError(check(line.field, line.read()).error ?? "");
    this._summarize();
  }

  _summarize() {
    const count = this._rows.filter(({ wrong }) => wrong()).length;
    this._summary.hidden = count < 2;
    setText(this._summary, count < 2 ? "" : tn("{count} field needs attention.", "{count} fields need attention.", count));
  }

  _raw() {
    return this._rows.map(({ read }) => read());
  }
}

function valuesOf(checked) {
  return Object.fromEntries(checked.filter(([, { absent }]) => !absent).map(([name, { value }]) => [name, value]));
}

function controlsIn(element) {
  return [...element.querySelectorAll("input, select, textarea")];
}

function isBox(control) {
  return control.type === "checkbox";
}
