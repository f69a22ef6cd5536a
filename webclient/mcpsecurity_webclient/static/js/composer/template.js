/** A resource template: a form of its variables, whose values make the address of the resource to attach (RFC 6570). */

import { button } from "../ui/button.js";
import { h, uniqueId } from "../ui/dom.js";
import { t } from "../ui/texts.js";
import { completed } from "./completions.js";

/**
 * By the operator of an expression: the prefix, the separator, and whether values are preceded by their names (RFC 6570).
 * @type {Record<string, [string, string, boolean?]>}
 */
const FORMS = { "": ["", ","], "+": ["", ","], "#": ["#", ","], ".": [".", "."], "/": ["/", "/"], ";": [";", ";", true], "?": ["?", "&", true], "&": ["&", "&", true] };

/**
 * @param {any} template
 * @param {PageContext} context
 * @param {(resource: {server: string, uri: string, name: string}) => void} attach
 */
export function templateForm(template, context, attach) {
  const boxes = new Map(template.arguments.map((name) => [name, h("input", { type: "text", dir: "auto", id: uniqueId("variable"), autocomplete: "off", required: !mayBeEmpty(template.uri_template, name) })]));
  const rows = [...boxes].map(([name, box]) => h("p", {}, h("label", { class: "label", dir: "auto", for: box.id }, name), box));
  const form = h("form", { class: "template-form" }, rows, button(t("Attach"), () => form.requestSubmit(), { kind: "plain" }));
  completed(form, boxes, (name, values) => context.commands.complete(template.server, "template", template.uri_template, name, values));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const uri = expanded(template.uri_template, (name) => boxes.get(name)?.value ?? "");
    attach({ server: template.server, uri, name: uri });
  });
  return h("li", {}, h("details", { class: "template" },
    h("summary", { dir: "auto" }, template.title, h("span", { class: "menu-note", dir: "auto" }, template.description || template.uri_template)), form));
}

/**
 * Return the address that a template makes of values. Empty values are left out.
 * @param {string} template  @param {(name: string) => string} valueOf
 */
export function expanded(template, valueOf) {
  return template.replaceAll(/\{([+#./;?&]?)([\w.,:*]+)\}/g, (_, operator, variables) => {
    const [first, between, named] = FORMS[operator];
    const parts = variables.split(",").map((variable) => {
      const [name, most] = variable.replace("*", "").split(":");
      const value = encoded([...valueOf(name)].slice(0, Number(most ?? Infinity)).join(""), operator);
      return value && named ? `${name}=${value}` : value;
    }).filter(Boolean);
    return parts.length > 0 ? first + parts.join(between) : "";
  });
}

/** After `+` and `#` a value keeps the marks that an address is made of. */
function encoded(value, operator) {
  if (operator === "+" || operator === "#") return encodeURI(value).replaceAll(/%25([0-9A-Fa-f]{2})/g, "%$1");
  return encodeURIComponent(value).replaceAll(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A query omits values that are not filled in. */
function mayBeEmpty(template, name) {
  return [...template.matchAll(/\{[?&]([^}]*)\}/g)].some(([, names]) => names.split(/[,:*]/).includes(name));
}
