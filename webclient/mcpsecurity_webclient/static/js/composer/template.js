/** A resource template: a form of its variables, whose values make the address of the resource to attach (RFC 6570, level 1). */

import { button } from "../ui/button.js";
import { h, uniqueId } from "../ui/dom.js";
import { t } from "../ui/texts.js";
import { completed } from "./completions.js";

/**
 * @param {any} template
 * @param {PageContext} context
 * @param {(resource: {server: string, uri: string, name: string}) => void} attach
 */
export function templateForm(template, context, attach) {
  const boxes = new Map(template.arguments.map((name) => [name, h("input", { type: "text", dir: "auto", id: uniqueId("variable"), autocomplete: "off", required: true })]));
  const rows = [...boxes].map(([name, box]) => h("p", {}, h("label", { class: "label", dir: "auto", for: box.id }, name), box));
  const form = h("form", { class: "template-form" }, rows, button(t("Attach"), () => form.requestSubmit(), { kind: "plain" }));
  completed(form, boxes, (name, values) => context.commands.complete(template.server, "template", template.uri_template, name, values));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const uri = template.uri_template.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(boxes.get(name)?.value ?? ""));
    attach({ server: template.server, uri, name: uri });
  });
  return h("li", {}, h("details", { class: "template" },
    h("summary", { dir: "auto" }, template.title, h("span", { class: "menu-note", dir: "auto" }, template.description || template.uri_template)), form));
}
