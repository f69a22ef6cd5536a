/**
 * Resources of the servers that go along with the next message: a list to choose from, and a chip for each choice. They
 * are kept with the chat's draft as long as the page is.
 */

import { forEachChat } from "./draft.js";
import { byId, h } from "../ui/dom.js";
import { icon } from "../ui/icons.js";
import { button } from "../ui/button.js";
import { absent } from "../ui/ondemand.js";
import { anchored } from "../ui/popover.js";
import { t } from "../ui/texts.js";

export class Attachments {
  /** @param {Catalog} catalog  @param {PageContext} context */
  constructor(catalog, context) {
    this._catalog = catalog;
    this._context = context;
    /** @type {(chatId: string) => Map<string, any>} */
    this._of = forEachChat(() => new Map());
    this._chosen = this._of(context.commands.chatId);
    this._chips = byId("attachments");
    this._panel = byId("resources");
    document.addEventListener("attach-resource", (event) => this._attach(/** @type {CustomEvent} */ (event).detail));
    anchored(byId("open-resources"), this._panel, () => this._fill());
  }

  /** What a message carries: [{server, uri, name}], each by the name that its chip has. */
  get chosen() {
    return [...this._chosen.values()].map((resource) => ({ server: resource.server, uri: resource.uri, name: nameOf(resource).slice(0, 200) }));
  }

  /** Show those of the chat that is open now. */
  load() {
    this._chosen = this._of(this._context.commands.chatId);
    this._draw();
  }

  /** Forget those of a chat which were sent; others may have been added meanwhile. */
  forget(chatId, sent) {
    for (const resource of sent) this._of(chatId).delete(key(resource));
    this._draw();
  }

  async _fill() {
    this._panel.replaceChildren(h("p", { class: "muted" }, t("Loading…")));
    const { resources, templates = [] } = await this._catalog.load();
    const rows = [...resources.map((resource) => this._row(resource)), ...(await this._forms(templates))];
    const heading = h("h2", { class: "menu-title" }, t("Resources"));
    this._panel.replaceChildren(heading, rows.length > 0 ? h("ul", {}, rows) : h("p", { class: "muted" }, t("The servers offer no resources.")));
  }

  /** The forms of templates, whose module is loaded when there is one. */
  async _forms(templates) {
    if (templates.length === 0) return [];
    const module = await import("./template.js").catch(() => null);
    if (!module) return [h("li", {}, absent(() => this._fill()))];
    return templates.map((template) => module.templateForm(template, this._context, (resource) => this._attach(resource)));
  }

  _row(resource) {
    const element = h("button", { type: "button", class: "menu-item", "aria-pressed": String(this._chosen.has(key(resource))) },
      h("span", { class: "menu-name", dir: "auto" }, nameOf(resource)),
      h("span", { class: "menu-note", dir: "auto" }, resource.description || resource.uri),
      h("span", { class: "menu-note", dir: "auto" }, this._context.serverTitle(resource.server)));
    element.addEventListener("click", () => {
      this._toggle(resource);
      element.setAttribute("aria-pressed", String(this._chosen.has(key(resource))));
    });
    return h("li", {}, element);
  }

  _attach(resource) {
    this._chosen.set(key(resource), resource);
    this._draw();
    byId("message").focus();
  }

  _toggle(resource) {
    if (!this._chosen.delete(key(resource))) this._chosen.set(key(resource), resource);
    this._draw();
  }

  _draw() {
    const chips = [...this._chosen.values()].map((resource) =>
      h("li", { class: "chip" }, icon("attach"), h("span", { dir: "auto" }, nameOf(resource)),
        button(t("Remove {name}", { name: nameOf(resource) }), () => this._toggle(resource), { symbol: "close", iconOnly: true })));
    this._chips.replaceChildren(...chips);
    this._chips.hidden = chips.length === 0;
  }
}

function key({ server, uri }) {
  return JSON.stringify([server, uri]);
}

function nameOf({ title, name, uri }) {
  return title || name || uri;
}
