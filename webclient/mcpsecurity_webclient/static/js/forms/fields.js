/**
 * The fields that the page's forms know, and how the two sources of forms become such fields: an elicitation's fields
 * as the server sends them, and a tool's input schema.
 *
 * Field: {name, kind, label, description, required, initial, options, minimum, maximum, exclusiveMinimum,
 * exclusiveMaximum, minLength, maxLength, minItems, maxItems} with kind one of text, email, uri, date, date-time, number,
 * integer, boolean, choice, choices, lines (texts, one a line; of elicitations only), json (of tools only). `options` are
 * {value, label}; `initial` is undefined when there is none. A field of a tool's schema also has
 * `given` (whether the model gave the argument), `value` (the argument) and `fallback` (what the server takes without one).
 */

import { isNumber, same } from "../protocol/exact.js";
import { t } from "../ui/texts.js";

const FORMATS = new Set(["email", "uri", "date", "date-time"]);

/** Return the fields of an elicitation. */
export function fromElicitation(fields) {
  return fields.map((field) => ({
    ...limits(field),
    name: field.name,
    kind: field.kind === "text" ? textKind(field.format) : field.kind,
    label: field.title,
    description: describe(field),
    required: field.required,
    initial: field.default,
    options: (field.options ?? []).map(({ value, title }) => ({ value, label: title })),
  }));
}

/** Return the fields of a tool's input schema, filled with the arguments that the model proposed. */
export function fromSchema(schema, values) {
  const required = new Set(Array.isArray(schema?.required) ? schema.required : []);
  const properties = { ...unknownProperties(schema, values), ...schema?.properties };
  return Object.entries(properties).map(([name, property]) => {
    const resolved = resolve(property, schema);
    const given = Object.hasOwn(values ?? {}, name);
    const value = given ? values[name] : undefined;
    const field = {
      ...limits(resolved),
      given,
      value,
      fallback: resolved.default,
      name,
      kind: schemaKind(resolved),
      label: name,
      description: describe(resolved),
      required: required.has(name),
      initial: value ?? undefined,
      options: optionsOf(resolved, schema),
    };
    return fits(field) ? field : { ...field, kind: "json" };
  });
}

function schemaKind({ type, format, enum: values, oneOf, items }) {
  if (Array.isArray(values) || isTitled(oneOf)) return "choice";
  if (type === "string") return textKind(format);
  if (type === "array" && (Array.isArray(items?.enum) || isTitled(items?.oneOf ?? items?.anyOf))) return "choices";
  return ["number", "integer", "boolean"].includes(type) ? type : "json";
}

function textKind(format) {
  return FORMATS.has(format) ? format : "text";
}

/** A pattern is shown, never run: one from elsewhere can keep a browser busy for ever. */
function describe({ description, pattern }) {
  return [description, typeof pattern === "string" ? t("Pattern: {pattern}", { pattern }) : null].filter(Boolean).join(" ");
}

/** Follow a local reference, and look through "this or null", which is how optional parameters are declared. */
function resolve(property, root, depth = 0) {
  if (depth > 8 || typeof property !== "object" || property === null) return {};
  if (typeof property.$ref === "string") {
    const target = pointer(root, property.$ref);
    return target ? { ...resolve(target, root, depth + 1), ...omit(property, "$ref") } : {};
  }
  const choices = [property.anyOf, property.oneOf].find(Array.isArray)?.filter((choice) => choice?.type !== "null");
  if (choices?.length === 1 && choices[0]?.const === undefined) {
    return { ...resolve(choices[0], root, depth + 1), ...omit(omit(property, "anyOf"), "oneOf") };
  }
  if (Array.isArray(property.type)) {
    const types = property.type.filter((type) => type !== "null");
    return types.length === 1 ? { ...property, type: types[0] } : { ...property, type: undefined };
  }
  return property;
}

function pointer(root, reference) {
  if (!reference.startsWith("#/")) return null;
  const steps = reference.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return steps.reduce((node, step) => (node && Object.hasOwn(node, step) ? node[step] : null), root);
}

function optionsOf(property, root) {
  const source = property.type === "array" ? resolve(property.items ?? {}, root) : property;
  const titled = source.oneOf ?? source.anyOf;
  if (isTitled(titled)) return titled.map((option) => ({ value: option.const, label: option.title ?? String(option.const) }));
  return (Array.isArray(source.enum) ? source.enum : []).map((value, index) => ({ value, label: String(source.enumNames?.[index] ?? value) }));
}

/** A proposed value that its field could not show would be lost: such a field is edited as JSON. */
function fits({ kind, initial, options }) {
  if (initial === undefined) return true;
  if (kind === "choice") return options.some((option) => same(option.value, initial));
  if (kind === "choices") return Array.isArray(initial) && initial.every((value) => options.some((option) => same(option.value, value)));
  if (kind === "boolean") return typeof initial === "boolean";
  if (kind === "number" || kind === "integer") return isNumber(initial);
  return kind === "json" || typeof initial === "string";
}

function unknownProperties(schema, values) {
  const names = Object.keys(values ?? {}).filter((name) => !Object.hasOwn(schema?.properties ?? {}, name));
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function limits({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, minLength, maxLength, minItems, maxItems }) {
  const bounds = { minimum, maximum, exclusiveMinimum, exclusiveMaximum };
  const numbers = Object.entries(bounds).filter(([, limit]) => isNumber(limit));
  const counts = Object.entries({ minLength, maxLength, minItems, maxItems }).filter(([, limit]) => isNumber(limit));
  return Object.fromEntries([...numbers, ...counts.map(([name, limit]) => [name, Number(limit)])]);
}

function isTitled(options) {
  return Array.isArray(options) && options.length > 0 && options.every((option) => option?.const !== undefined);
}

function omit(object, key) {
  const { [key]: _, ...rest } = object;
  return rest;
}
