/**
 * The control of a field: {element, target, read()}. `target` is what a label names and what gets the focus; `read`
 * returns the raw value for `check`. A group of check boxes is its own label's owner (`grouped`).
 */

import { ExactNumber, same, writeExact } from "../protocol/exact.js";
import { h, uniqueId } from "../ui/dom.js";
import { t } from "../ui/texts.js";
import { timeZone, toLocal, toRfc3339 } from "./moment.js";

/** @param {any} field  see fields.js */
export function control(field) {
  return CONTROLS[field.kind](field);
}

const CONTROLS = {
  text: (field) => (field.maxLength > 200 || /[\r\n]/.test(field.initial ?? "") ? area(field, field.initial ?? "") : input(field, "text")),
  email: (field) => input(field, "email", { autocomplete: "email" }),
  uri: (field) => input(field, "url", { inputmode: "url" }),
  date: (field) => input(field, "date"),
  "date-time": dateTime,
  number: (field) => numeric(field, "any"),
  integer: (field) => numeric(field, "1"),
  boolean: (field) => (field.required && isAnswered(field) ? checkbox(field) : yesNo(field)),
  choice: choice,
  choices: choices,
  lines: (field) => area(field, (field.initial ?? []).join("\n")),
  json: (field) => area(field, field.initial === undefined ? "" : writeExact(field.initial, 2), "code"),
};

function input(field, type, attributes = {}) {
  const target = h("input", { type, autocomplete: "off", dir: "auto", ...attributes });
  target.value = field.initial ?? "";
  return { element: target, target, read: () => target.value };
}

function area(field, text, kind = "") {
  const rows = Math.min(Math.max(text.split("\n").length, 2), 10);
  const target = h("textarea", { rows, dir: kind ? "ltr" : "auto", class: kind, spellcheck: kind ? "false" : null });
  target.value = text;
  return { element: target, target, read: () => withBreaksOf(text, target.value) };
}

/** A text box makes every line break a line feed; a text with CRLF keeps it. */
function withBreaksOf(text, value) {
  const isCrlf = text.includes("\r\n") && !/[^\r]\n|^\n|\r(?!\n)/.test(text);
  return isCrlf ? value.replaceAll("\n", "\r\n") : value;
}

function numeric(field, step) {
  if (field.initial instanceof ExactNumber) return exactly(field);
  const target = h("input", { type: "number", step, min: field.minimum, max: field.maximum, autocomplete: "off" });
  if (field.initial !== undefined) target.value = String(field.initial);
  return { element: target, target, read: () => ({ text: target.value, incomplete: target.validity.badInput }) };
}

/** A number that a spin box would count in doubles is edited as text. */
function exactly(field) {
  const target = h("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
  target.value = String(field.initial);
  return { element: target, target, read: () => ({ text: target.value, incomplete: false }) };
}

function dateTime(field) {
  const target = h("input", { type: "datetime-local", step: "1" });
  target.value = toLocal(field.initial ?? "");
  const zone = h("span", { class: "field-zone" }, t("Time zone: {zone}", { zone: timeZone() }));
  const read = () => ({
    text: target.value,
    incomplete: target.validity.badInput,
    value: target.value && toRfc3339(target.value),
  });
  return { element: h("div", { class: "field-pair" }, target, zone), target, read };
}

function checkbox(field) {
  const target = h("input", { type: "checkbox" });
  target.checked = field.initial === true;
  return { element: target, target, inline: true, read: () => target.checked };
}

/** Whether an empty box is a true answer: an argument that the model left out does not mean "no". */
function isAnswered({ given, initial }) {
  return given === undefined || initial !== undefined;
}

/** An optional yes or no can also be left unanswered, which is not the same as no. */
function yesNo(field) {
  const values = [null, true, false];
  const target = select([t("Not answered"), t("Yes"), t("No")]);
  target.selectedIndex = values.indexOf(field.initial ?? null);
  return { element: target, target, read: () => values[target.selectedIndex] };
}

function choice(field) {
  const initial = field.options.findIndex((option) => field.initial !== undefined && same(option.value, field.initial));
  const target = select([field.required ? t("Choose…") : t("No choice"), ...field.options.map((option) => option.label)]);
  target.selectedIndex = initial + 1;
  return { element: target, target, read: () => (target.selectedIndex > 0 ? target.selectedIndex - 1 : null) };
}

function choices(field) {
  const chosen = field.initial ?? [];
  const boxes = field.options.map((option) => {
    const box = h("input", { type: "checkbox", id: uniqueId("option") });
    box.checked = chosen.some((value) => same(value, option.value));
    return box;
  });
  const rows = boxes.map((box, index) =>
    h("div", { class: "field-option" }, box, h("label", { for: box.id, dir: "auto" }, field.options[index].label)),
  );
  const element = h("div", { class: "field-options", role: "group" }, rows);
  const read = () => boxes.flatMap((box, index) => (box.checked ? [index] : []));
  return { element, target: element, grouped: true, focus: boxes[0], read };
}

function select(labels) {
  return h("select", { dir: "auto" }, labels.map((label) => h("option", { dir: "auto" }, label)));
}
