/**
 * Prompts of the servers: `/` at the beginning of a message, or its button, opens a box to search in (a combobox, ARIA
 * 1.2) with the list below it. A prompt with arguments asks for them in a form; one without is sent at once. What is
 * being written stays as it is.
 */

import { byId, h, uniqueId } from "../ui/dom.js";
import { t, tn } from "../ui/texts.js";
import { PromptForm } from "./promptform.js";

export class Palette {
  /** @param {PageContext} context  @param {Composer} composer  @param {Catalog} catalog */
  constructor(context, composer, catalog) {
    this._context = context;
    this._composer = composer;
    this._catalog = catalog;
    this._panel = byId("palette");
    this._list = h("ul", { id: uniqueId("prompts"), role: "listbox", "aria-label": t("Prompts") });
    this._input = h("input", { type: "text", dir: "auto", class: "palette-search", role: "combobox", "aria-expanded": "true", "aria-controls": this._list.id,
      "aria-autocomplete": "list", "aria-label": t("Find a prompt"), placeholder: t("Find a prompt"), maxlength: "100", autocomplete: "off" });
    this._none = h("p", { class: "muted", hidden: true }, t("No prompt has these words."));
    this._options = [];
    this._active = -1;
    this._finding = Promise.resolve();
    this._searching = false;
    this._typed = false;
    this._declined = false;
    this._input.addEventListener("input", () => (this._finding = this._find()));
    this._input.addEventListener("keydown", (event) => this._keydown(event));
    this._input.addEventListener("blur", () => this._blurred());
  }

  /** Open with all prompts. */
  open() {
    this._open("", false);
  }

  /** Follow the text of the message box: a `/` at its beginning opens the palette, once. */
  changed(text) {
    const begins = /^\/[^\n]*$/.test(text);
    if (!begins) this._declined = false;
    if (!begins || this._declined) return;
    this._composer.text = "";
    this._open(text.slice(1), true);
  }

  get isOpen() {
    return this._searching;
  }

  /** Choose the marked prompt, once the prompts for the typed text are found. */
  async enter() {
    await this._finding;
    const chosen = this._options[this._active];
    if (this._searching && chosen) await this._choose(chosen.prompt);
  }

  /** Close when the person turns to something else in the page; in another window she may look up what to write. */
  _blurred() {
    if (this._searching && document.activeElement !== this._input) this._leave({ focus: false });
  }

  _open(text, typed) {
    this._typed = typed;
    this._input.value = text;
    this._list.replaceChildren();
    this._panel.replaceChildren(this._input, this._list, this._none);
    this._panel.hidden = false;
    this._searching = true;
    this._input.focus();
    this._finding = this._find();
  }

  async _find() {
    const text = this._input.value;
    const { prompts } = await this._catalog.load();
    if (this._searching && this._input.value === text) this._show(prompts.filter((prompt) => matches(prompt, text)));
  }

  _keydown(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const chosen = this._options[this._active];
    if (move) this._move(move);
    else if (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey && chosen)) this.enter();
    else if (event.key === "Escape" || (event.key === "Backspace" && this._input.value === "")) this._leave({ withSlash: event.key === "Escape" });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  _show(prompts) {
    this._options = prompts.map((prompt) => ({ prompt, element: this._option(prompt) }));
    this._list.replaceChildren(...this._options.map(({ element }) => element));
    this._list.hidden = prompts.length === 0;
    this._none.hidden = prompts.length > 0;
    this._active = -1;
    this._input.removeAttribute("aria-activedescendant");
    this._context.announce(tn("{count} prompt.", "{count} prompts.", prompts.length));
    this._move(1);
  }

  _option(prompt) {
    const names = prompt.arguments.map(({ name }) => name).join(", ");
    const element = h("li", { id: uniqueId("prompt"), role: "option", "aria-selected": "false" },
      h("span", { class: "prompt-name", dir: "auto" }, `/${prompt.name}`, names ? h("span", { class: "muted" }, ` ${names}`) : null),
      h("span", { class: "prompt-description", dir: "auto" }, prompt.description || prompt.title || ""),
      h("span", { class: "prompt-server", dir: "auto" }, this._context.serverTitle(prompt.server)));
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
    this._input.setAttribute("aria-activedescendant", element.id);
  }

  async _choose(prompt) {
    if (prompt.arguments.length === 0) {
      this._close();
      this._composer.focus();
      await this._composer.sendPrompt({ server: prompt.server, name: prompt.name, arguments: {} });
      return;
    }
    const complete = (name, values) => this._context.commands.complete(prompt.server, "prompt", prompt.name, name, values);
    const form = new PromptForm(prompt, { use: (values) => this._use(prompt, values), leave: () => this._leave(), complete });
    this._searching = false; // removing the box that has the focus blurs it
    this._panel.replaceChildren(form.element);
    form.focus();
  }

  async _use(prompt, values) {
    if (await this._composer.sendPrompt({ server: prompt.server, name: prompt.name, arguments: values })) this._leave();
  }

  /** Close, and go back to the message. A `/` that was typed, and what followed, is text after all. */
  _leave({ focus = true, withSlash = !focus } = {}) {
    const text = this._typed && withSlash ? `/${this._input.value}` : "";
    this._close();
    if (text) {
      this._declined = true;
      this._composer.text = text;
    }
    if (focus) this._composer.focus();
  }

  _close() {
    this._searching = false;
    this._panel.hidden = true;
    this._panel.replaceChildren();
    this._options = [];
  }
}

function matches(prompt, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const text = `${prompt.name} ${prompt.title ?? ""} ${prompt.description ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
