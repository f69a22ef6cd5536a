/**
 * Prompts of the servers as `/` commands: a list above the message box, worked with arrow keys while the focus stays in
 * the box. A prompt with arguments asks for them in a form; one without is sent at once.
 */

import { byId, h, uniqueId } from "../ui/dom.js";
import { PromptForm } from "./promptform.js";

export class Palette {
  /** @param {PageContext} context  @param {Composer} composer  @param {Catalog} catalog */
  constructor(context, composer, catalog) {
    this._context = context;
    this._composer = composer;
    this._catalog = catalog;
    this._box = byId("message");
    this._panel = byId("palette");
    this._list = h("ul", { id: uniqueId("prompts"), role: "listbox", "aria-label": "Prompts" });
    this._options = [];
    this._active = -1;
    this._box.addEventListener("blur", () => this._blurred());
    byId("open-prompts").addEventListener("click", () => this._begin());
  }

  get open() {
    return !this._panel.hidden && this._list.isConnected;
  }

  /** Take a key of the message box. Returns whether it was used. */
  keydown(event) {
    if (!this.open) return false;
    const moves = { ArrowDown: 1, ArrowUp: -1 };
    if (moves[event.key]) this._move(moves[event.key]);
    else if (event.key === "Enter" || event.key === "Tab") {
      if (!this._options[this._active]) return false;
      this._choose(this._options[this._active].prompt);
    } else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    return true;
  }

  /** Follow the text of the message box. */
  async changed(text) {
    if (!/^\/[^\n]*$/.test(text)) return this.close();
    const { prompts } = await this._catalog.load();
    if (this._composer.text !== text) return;
    this._show(prompts.filter((prompt) => matches(prompt, text.slice(1))));
  }

  close() {
    if (!this.open) return;
    this._panel.hidden = true;
    this._panel.replaceChildren();
    this._box.removeAttribute("aria-controls");
    this._box.removeAttribute("aria-activedescendant");
  }

  _begin() {
    this._composer.text = "/";
    this._composer.focus();
  }

  _show(prompts) {
    this._options = prompts.map((prompt) => ({ prompt, element: this._option(prompt) }));
    this._list.replaceChildren(...this._options.map(({ element }) => element));
    const none = prompts.length === 0 ? h("p", { class: "muted" }, "No prompt of that name.") : this._list;
    this._panel.replaceChildren(none);
    if (prompts.length > 0) this._box.setAttribute("aria-controls", this._list.id);
    this._panel.hidden = false;
    this._active = -1;
    this._context.announce(prompts.length === 1 ? "1 prompt." : `${prompts.length} prompts.`);
    if (prompts.length > 0) this._move(1);
  }

  _option(prompt) {
    const names = prompt.arguments.map(({ name }) => name).join(", ");
    const element = h("li", { id: uniqueId("prompt"), role: "option", "aria-selected": "false" },
      h("span", { class: "prompt-name" }, `/${prompt.name}`, names ? h("span", { class: "muted" }, ` ${names}`) : null),
      h("span", { class: "prompt-description" }, prompt.description || prompt.title || ""),
      h("span", { class: "prompt-server" }, prompt.server));
    element.addEventListener("mousedown", (event) => event.preventDefault());
    element.addEventListener("click", () => this._choose(prompt));
    return element;
  }

  _move(by) {
    const count = this._options.length;
    if (count === 0) return;
    this._options[this._active]?.element.setAttribute("aria-selected", "false");
    this._active = (this._active + by + count) % count;
    const { element } = this._options[this._active];
    element.setAttribute("aria-selected", "true");
    element.scrollIntoView({ block: "nearest" });
    this._box.setAttribute("aria-activedescendant", element.id);
  }

  async _choose(prompt) {
    this.close();
    if (prompt.arguments.length === 0) {
      if (await this._composer.sendPrompt({ server: prompt.server, name: prompt.name, arguments: {} })) this._composer.text = "";
      return;
    }
    const complete = (name, values) => this._context.commands.complete(prompt.server, "prompt", prompt.name, name, values);
    const form = new PromptForm(prompt, { use: (values) => this._use(prompt, values), leave: () => this._leave(), complete });
    this._panel.replaceChildren(form.element);
    this._panel.hidden = false;
    form.focus();
  }

  async _use(prompt, values) {
    if (!(await this._composer.sendPrompt({ server: prompt.server, name: prompt.name, arguments: values }))) return;
    this._leave();
  }

  _leave() {
    this._panel.hidden = true;
    this._panel.replaceChildren();
    this._composer.text = "";
    this._composer.focus();
  }

  _blurred() {
    this.close();
  }
}

function matches(prompt, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${prompt.name} ${prompt.title ?? ""} ${prompt.description ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
